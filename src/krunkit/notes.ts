import type { LibkrunFunction } from '../vm/functions.ts';
import { devicesOf, type KrunkitOptions } from './options.ts';
import type { KrunkitHost } from './vm.ts';

/** libkrunfw's kernel is built for so many. */
const BUNDLED_KERNEL_CPUS = 16;

/**
 * What a user should know of a machine that starts: one line each, for what is done in another way or not at
 * all.
 */
export function notesOn(
  options: KrunkitOptions,
  host: KrunkitHost & { readonly arch: string },
  functions: ReadonlySet<LibkrunFunction>,
): readonly string[] {
  const { boot } = host;
  return [
    ...(boot.kind === 'root-disk' ? rootDiskNotes(options, host, boot) : []),
    ...(options.nested && !host.canNest
      ? ['--nested is ignored: this host cannot nest virtual machines']
      : []),
    ...ignored(options),
    ...shareNotes(options, functions),
    ...addressNotes(options),
  ];
}

function rootDiskNotes(
  options: KrunkitOptions,
  { os, arch }: { readonly os: string; readonly arch: string },
  boot: Extract<KrunkitHost['boot'], { kind: 'root-disk' }>,
): readonly string[] {
  const disk = devicesOf(options, 'disk')[0]?.path ?? '';
  const lines = [
    `${missingFirmware(os, arch)}: the kernel of libkrunfw runs the init of ${boot.device}` +
      ` (${boot.fstype}) of ${disk}; the boot loader and kernel on the disk are not used`,
  ];
  if (boot.fstype === 'btrfs') lines.push(`the default subvolume of ${boot.device} is taken for the root`);
  if (options.firmwarePath !== undefined) lines.push('--firmware-path is ignored');
  if (options.oemStrings.length > 0) lines.push('--oem-string is ignored: only firmware passes it on');
  if (options.cpus > BUNDLED_KERNEL_CPUS)
    lines.push(`the kernel of libkrunfw uses ${BUNDLED_KERNEL_CPUS} of the ${options.cpus} CPUs`);
  return lines;
}

function missingFirmware(os: string, arch: string): string {
  return arch === 'arm64'
    ? "krunkit's EFI firmware is not installed"
    : `libkrun boots no EFI firmware on ${os} ${arch}`;
}

function ignored(options: KrunkitOptions): readonly string[] {
  const names = [
    ...(options.bootloader ? ['--bootloader'] : []),
    ...(options.gui ? ['--gui'] : []),
    ...(devicesOf(options, 'gpu').length > 0 ? ['virtio-gpu'] : []),
    ...(devicesOf(options, 'input').length > 0 ? ['virtio-input'] : []),
  ];
  if (names.length === 0) return [];
  return [`${names.join(', ')}: accepted as krunkit does, and without effect`];
}

function shareNotes(options: KrunkitOptions, functions: ReadonlySet<LibkrunFunction>): readonly string[] {
  const isAsked = devicesOf(options, 'share').some(({ hasOwnSemantics }) => hasOwnSemantics);
  if (!isAsked || functions.has('krun_add_virtiofs4')) return [];
  return ['permissionSemantics is ignored: it needs libkrun 1.19.3 or newer'];
}

function addressNotes({ restfulUri: uri }: KrunkitOptions): readonly string[] {
  if (uri.kind !== 'tcp' || uri.host.startsWith('127.')) return [];
  return [
    `whoever reaches ${uri.host}:${uri.port} can stop this machine: the REST service asks for no password`,
  ];
}

import type { Vm, VmInterface } from '../vm/vm.ts';
import { vmOf } from './configure.ts';
import type { MachineSpec } from './spec.ts';

/** A machine as `GET /vm/inspect` of vfkit tells it. */
export interface Inspection {
  readonly vcpus: number;
  readonly memoryBytes: number;
  readonly bootloader: { readonly kind: 'linuxBootloader' | 'efiBootloader' } & Readonly<
    Record<string, unknown>
  >;
  readonly devices: readonly ({ readonly kind: string } & Readonly<Record<string, unknown>>)[];
  readonly nested?: true;
}

/**
 * The virtual machine in vfkit's names, so that vfkit's clients read it. What may be secret stays out: commands,
 * environments, kernel command lines, SMBIOS strings, and whatever krun itself tells the guest.
 */
export function inspect(spec: MachineSpec): Inspection {
  const vm = vmOf(spec);
  return {
    vcpus: vm.vcpus,
    memoryBytes: vm.memoryMiB * 1024 ** 2,
    bootloader: bootloader(vm),
    devices: devices(vm, spec),
    ...(vm.devices?.nestedVirt ? { nested: true } : {}),
  };
}

function bootloader({ boot }: Vm): Inspection['bootloader'] {
  switch (boot?.kind) {
    case 'firmware':
      return { kind: 'efiBootloader', efiVariableStorePath: '', createVariableStore: false };
    case 'kernel':
      return { kind: 'linuxBootloader', vmlinuzPath: boot.path, initrdPath: boot.initramfs ?? '' };
    case 'bundled':
    case undefined:
      return { kind: 'linuxBootloader', vmlinuzPath: '', initrdPath: '' };
  }
}

function devices(vm: Vm, spec: MachineSpec): Inspection['devices'] {
  const { root, network } = vm;
  const gpu = vm.devices?.gpu ? [{ kind: 'virtiogpu', usesGUI: false, ...sizeOf(vm) }] : [];
  return [
    // The root is a share whose tag is libkrun's own.
    ...(root?.kind === 'directory'
      ? [{ kind: 'virtiofs', mountTag: '/dev/root', sharedDir: root.path, readOnly: root.readOnly ?? false }]
      : []),
    ...vm.disks.map(({ path, format, readOnly }) => ({
      kind: 'virtioblk',
      devName: 'virtio-blk',
      imagePath: path,
      type: 'image',
      format,
      readOnly,
    })),
    ...vm.shares.map(({ tag, path, readOnly }) => ({
      kind: 'virtiofs',
      mountTag: tag,
      sharedDir: path,
      readOnly,
    })),
    ...network.interfaces.map(interfaceOf),
    ...(network.vsockPorts ?? []).map(({ port, path, listener }) => ({
      kind: 'virtiosock',
      port,
      socketURL: path,
      ...(listener === 'host' ? { listen: true } : {}),
    })),
    { kind: 'virtioserial', logFile: spec.files.console },
    { kind: 'virtiorng' },
    { kind: 'virtioballoon' },
    ...gpu,
    ...(vm.devices?.inputs ?? []).map(() => ({ kind: 'virtioinput', inputType: 'host' })),
  ];
}

function interfaceOf({ mac, offloading, backend }: VmInterface): Inspection['devices'][number] {
  return {
    kind: 'virtionet',
    nat: false,
    macAddress: mac,
    offloading,
    ...('path' in backend ? { unixSocketPath: backend.path } : {}),
    ...('vfkitMagic' in backend && backend.vfkitMagic ? { vfkitMagic: true } : {}),
  };
}

function sizeOf({ devices }: Vm): { readonly width?: number; readonly height?: number } {
  const [first] = devices?.displays ?? [];
  return first === undefined ? {} : { width: first.width, height: first.height };
}

import type { VmnetSettings } from './spec.ts';

/** What decides how vmnet-helper is to be started. */
export interface VmnetHost {
  /** Node's name of the system, and its release, as `os.release()` says it. */
  readonly os: string;
  readonly release: string;
  /** Of vmnet-helper; absent where it does not tell. */
  readonly version?: string;
}

/** Darwin 25 is macOS 26, the first whose vmnet is for every user. */
const FIRST_DARWIN_WITHOUT_ROOT = 25;
/** The first vmnet-helper that makes use of it. */
const FIRST_HELPER_WITHOUT_ROOT = [0, 9] as const;

/** Whether vmnet-helper has to be started by root; it gives the rights back when it has the interface. */
export function needsSudo({ os, release, version }: VmnetHost): boolean {
  const [major = 0, minor = 0] = (version ?? '').split('.').map(Number);
  const [first, second] = FIRST_HELPER_WITHOUT_ROOT;
  const isOld = version !== undefined && (major < first || (major === first && minor < second));
  return isOld || (os === 'darwin' && Number(release.split('.')[0]) < FIRST_DARWIN_WITHOUT_ROOT);
}

/** Program and arguments that serve one interface on an open datagram socket. */
export function vmnetCommand(
  settings: VmnetSettings,
  { fd, offloading, sudo }: { readonly fd: number; readonly offloading: boolean; readonly sudo: boolean },
): readonly [program: string, ...args: readonly string[]] {
  const { program, mode, isolation, addresses, interfaceId } = settings;
  const link = ['--fd', String(fd), '--interface-id', interfaceId, '--operation-mode', mode];
  const args = [
    ...link,
    ...(mode === 'bridged' && settings.interface !== undefined
      ? ['--shared-interface', settings.interface]
      : []),
    // A bridge has the addresses of the network that it leads to, and no walls.
    ...(mode !== 'bridged' && addresses
      ? ['--start-address', addresses.start, '--end-address', addresses.end, '--subnet-mask', addresses.mask]
      : []),
    ...(mode !== 'bridged' && isolation ? ['--enable-isolation'] : []),
    ...(offloading ? ['--enable-tso', '--enable-checksum-offload'] : []),
  ];
  // sudo closes all files above the standard ones unless it is told otherwise, and allowed to be.
  return sudo
    ? ['sudo', '--non-interactive', `--close-from=${fd + 1}`, program, ...args]
    : [program, ...args];
}

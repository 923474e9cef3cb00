import { closeSync, constants, openSync } from 'node:fs';
import { errnoOf } from '../host/errno.ts';
import type { Libkrun } from '../libkrun/ffi.ts';
import type { MachineFailure } from './failure.ts';
import type { MachineSpec } from './spec.ts';

/** Whether the process becomes another user when the machine is built, and so loses what it may do until then. */
export function changesUser({ hostUid, hostGid }: Pick<MachineSpec, 'hostUid' | 'hostGid'>): boolean {
  return hostUid !== undefined || hostGid !== undefined;
}

/**
 * What keeps the machine from running as the host user that it shall become. libkrun changes the user before it opens
 * the root, the shares, the kernel and /dev/kvm, so each is opened as that user here.
 */
export function checkHostUser(spec: MachineSpec, library: Libkrun): MachineFailure | undefined {
  const { hostUid, hostGid } = spec;
  if (!changesUser(spec) || !process.geteuid || !process.getegid) return undefined;
  const own = { uid: process.geteuid(), gid: process.getegid() };
  const wanted = { uid: hostUid ?? own.uid, gid: hostGid ?? own.gid };
  if (wanted.uid === own.uid && wanted.gid === own.gid) return undefined;
  if (own.uid !== 0) {
    return {
      code: 'environment',
      message: `krun runs as user ${own.uid} (group ${own.gid}) and cannot become user ${wanted.uid} (group ${wanted.gid})`,
      hint: 'remove `uid` and `gid`, or run krun as root',
    };
  }
  // Until 1.19, which brought this function, the place that a root disk is mounted over is a directory of root's.
  if (spec.root.kind === 'disk' && !library.has('krun_disable_implicit_init')) {
    return {
      code: 'capability',
      message: 'this libkrun cannot change the user of a machine whose root is on a disk',
      hint: 'use libkrun 1.19 or newer, or remove `uid` and `gid`',
    };
  }
  const failed = as(wanted, () => needed(spec).find(({ file, isWritten }) => !canOpen(file, isWritten)));
  if (!failed) return undefined;
  return {
    code: 'environment',
    message: `user ${wanted.uid} (group ${wanted.gid}) cannot open ${failed.what} ${failed.file}`,
    hint: failed.hint,
  };
}

interface Needed {
  readonly what: string;
  readonly file: string;
  readonly isWritten: boolean;
  readonly hint: string;
}

const ENTER = 'let that user read it, and enter every directory above it';

function needed({ root, shares, boot }: MachineSpec): readonly Needed[] {
  const read = (what: string, file: string): Needed => ({ what, file, isWritten: false, hint: ENTER });
  const hint =
    'set `gid` to the group of /dev/kvm (`stat -c %g /dev/kvm`): other groups of the user do not count';
  return [
    ...(process.platform === 'linux'
      ? [{ what: 'the device', file: '/dev/kvm', isWritten: true, hint }]
      : []),
    ...(root.kind === 'directory' ? [read('the root', root.path)] : []),
    ...shares.map((share) => read('the share', share.path)),
    ...(boot?.kind === 'kernel' ? [read('the kernel', boot.path)] : []),
    ...(boot?.kind === 'kernel' && boot.initrd !== undefined ? [read('the initrd', boot.initrd)] : []),
    ...(boot?.kind === 'firmware' ? [read('the firmware', boot.path)] : []),
  ];
}

/** Does something as another user, with the rights of that user alone. */
function as<T>({ uid, gid }: { readonly uid: number; readonly gid: number }, act: () => T): T {
  const before = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
  process.setegid?.(gid);
  process.seteuid?.(uid);
  try {
    return act();
  } finally {
    process.seteuid?.(before.uid);
    process.setegid?.(before.gid);
  }
}

/** Opening is what counts: access(2) asks for the real user, not the effective one. */
function canOpen(file: string, isWritten: boolean): boolean {
  try {
    closeSync(openSync(file, isWritten ? constants.O_RDWR : constants.O_RDONLY));
    return true;
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'EACCES' || code === 'EPERM') return false;
    // Anything else is no question of rights, and told where it matters.
    if (code === undefined) throw error;
    return true;
  }
}

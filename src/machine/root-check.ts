import { lstatSync, readlinkSync, statSync } from 'node:fs';
import path from 'node:path';
import { unlessMissingSync } from '../host/errno.ts';
import type { MachineFailure } from './failure.ts';
import { architectureMismatch, startOfFile } from '../libkrun/elf.ts';
import type { MachineSpec } from './spec.ts';

/** As many symbolic links as Linux follows in one path. */
const MOST_LINKS = 40;

/**
 * What would end as a panic of the guest kernel, in words: libkrun looks at a root directory only when the guest
 * already runs.
 */
export function checkRoot(root: string, needsShell: boolean, arch: string): MachineFailure | undefined {
  const kind = unlessMissingSync(() => statSync(root));
  if (kind === undefined) {
    return {
      code: 'path',
      message: `root directory ${root} does not exist`,
      hint: 'create it, or give the machine a `build` that does',
    };
  }
  if (!kind.isDirectory()) {
    return {
      code: 'path',
      message: `root ${root} is not a directory`,
      hint: 'a disk image is named by `root: { disk: ... }`',
    };
  }
  if (!needsShell) return undefined;
  const shell = resolveInRoot(root, '/bin/sh');
  if (shell === undefined) {
    return {
      code: 'path',
      message: `root ${root} has no /bin/sh`,
      hint: 'put a shell there (busybox is enough), or set `agent: false` for a root without one',
    };
  }
  const mismatch = architectureMismatch(startOfFile(shell), arch);
  if (mismatch === undefined) return undefined;
  return {
    code: 'path',
    message: `/bin/sh in root ${root} is for ${mismatch}, and this host is ${arch}`,
    hint: 'build the root for the architecture of this host',
  };
}

/** A share whose source is gone since the configuration was read; libkrun would tell the guest only. */
export function checkShares(shares: MachineSpec['shares']): MachineFailure | undefined {
  const lost = shares.find((share) => !unlessMissingSync(() => statSync(share.path))?.isDirectory());
  if (!lost) return undefined;
  const message = `share source ${lost.path} is not a directory, or does not exist`;
  return { code: 'path', message, hint: 'create it, or remove the share' };
}

/** Follows a path as the guest will, where `/` is the root directory; undefined where it leads to no file. */
export function resolveInRoot(root: string, guestPath: string): string | undefined {
  const pending = parts(guestPath);
  let resolved = '/';
  for (let links = 0; pending.length > 0;) {
    const part = pending.shift() ?? '';
    const next = path.posix.join(resolved, part);
    const host = path.join(root, next);
    const entry = unlessMissingSync(() => lstatSync(host));
    if (entry === undefined) return undefined;
    if (!entry.isSymbolicLink()) {
      resolved = next;
      continue;
    }
    if (++links > MOST_LINKS) return undefined;
    const target = readlinkSync(host);
    if (target.startsWith('/')) resolved = '/';
    pending.unshift(...parts(target));
  }
  const host = path.join(root, resolved);
  return statSync(host).isFile() ? host : undefined;
}

function parts(text: string): string[] {
  return text.split('/').filter((part) => part !== '' && part !== '.');
}

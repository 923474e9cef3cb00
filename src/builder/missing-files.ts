import { statSync } from 'node:fs';
import { errorDiagnostic, type Diagnostic } from '../base/diagnostic.ts';
import { errnoOf } from '../host/errno.ts';
import type { Vm } from '../vm/vm.ts';

type Kind = 'directory' | 'file';

/**
 * Files and directories that the machine names and that are not there. libkrun looks at most of them when it is too late
 * for an answer with a reason: a root that is missing is a panic of the guest's kernel.
 */
export function missingFiles(vm: Vm): readonly Diagnostic[] {
  const { boot, root, disks, shares, devices } = vm;
  const files: readonly (readonly [what: string, path: string | undefined, kind: Kind])[] = [
    ['kernel', boot?.kind === 'kernel' ? boot.path : undefined, 'file'],
    ['initramfs', boot?.kind === 'kernel' ? boot.initramfs : undefined, 'file'],
    ['firmware', boot?.kind === 'firmware' ? boot.path : undefined, 'file'],
    ['root', root?.kind === 'directory' ? root.path : undefined, 'directory'],
    ...disks.map((disk) => ['disk', disk.path, 'file'] as const),
    ...shares.map((share) => ['share', share.path, 'directory'] as const),
    ['TEE configuration', devices?.teeConfigFile, 'file'],
  ];
  return files.flatMap(([what, path, kind]) => {
    const problem = path === undefined ? undefined : problemOf(path, kind);
    return problem === undefined ? [] : [errorDiagnostic('path', `${what} ${path} ${problem}`)];
  });
}

function problemOf(path: string, kind: Kind): string | undefined {
  try {
    const isDirectory = statSync(path).isDirectory();
    // Disks may be devices.
    if (kind === 'file') return isDirectory ? 'is a directory' : undefined;
    return isDirectory ? undefined : 'is not a directory';
  } catch (error) {
    const code = errnoOf(error);
    if (code === undefined) throw error;
    return code === 'ENOENT' || code === 'ENOTDIR' ? 'does not exist' : `cannot be looked at: ${code}`;
  }
}

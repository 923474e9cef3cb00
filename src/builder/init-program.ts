import { readFileSync } from 'node:fs';
import type { Diagnostic } from '../base/diagnostic.ts';
import { errnoOf } from '../host/errno.ts';
import { resolveInRoot } from '../machine/root-check.ts';
import { ROOT_TAG } from '../vm/constants.ts';
import type { Draft } from './draft.ts';
import { mistake } from './error.ts';

/** The program that is to be the first process: as it was given, or from the guest's root directory. */
export function readInit({ kernel, filesystems }: Draft): {
  readonly program?: Uint8Array;
  readonly mistakes: readonly Diagnostic[];
} {
  const { init } = kernel;
  if (init === undefined) return { mistakes: [] };
  if (typeof init !== 'string') return { program: init, mistakes: [] };
  const root = filesystems.find(({ tag }) => tag === ROOT_TAG)?.path;
  if (root === undefined) {
    const hint = 'give the program itself with init()';
    return { mistakes: [mistake('kernel.initPath', 'the root is not a directory of the host', hint)] };
  }
  try {
    const file = resolveInRoot(root, init);
    if (file !== undefined) return { program: readFileSync(file), mistakes: [] };
  } catch (error) {
    const code = errnoOf(error);
    if (code === undefined) throw error;
    if (code !== 'ENOTDIR')
      return { mistakes: [mistake('kernel.initPath', `cannot read ${init} of ${root}: ${code}`)] };
  }
  return { mistakes: [mistake('kernel.initPath', `${root} has no file ${init}`)] };
}

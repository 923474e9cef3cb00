import { statSync } from 'node:fs';
import path from 'node:path';
import { unlessMissingSync } from '../host/errno.ts';
import type { MachineSpec } from './spec.ts';

/** What libkrun's init mounts over, and what most programs write to. */
const ALWAYS = ['dev', 'proc', 'sys', 'tmp'];

/** What a root that the guest cannot change lacks, relative to it, parents first. */
export interface MissingMountPoints {
  /** An overlay can have them. */
  readonly possible: readonly string[];
  /** They are below a directory of the root, whose contents an overlay would hide. */
  readonly impossible: readonly string[];
}

/** Mount points that a read-only root directory lacks. */
export function missingMountPoints({ root, guest }: MachineSpec): MissingMountPoints {
  if (root.kind !== 'directory' || !root.readOnly) return { possible: [], impossible: [] };
  const written = new Set(root.overlay?.directories.map((directory) => directory.path));
  const targets = guest.kind === 'bootstrap' ? guest.mounts.map(({ target }) => target.slice(1)) : [];
  const wanted = [...new Set([...(guest.kind === 'self' ? [] : ALWAYS), ...targets.flatMap(withParents)])];
  const isThere = (name: string): boolean => written.has(name) || isDirectory(path.join(root.path, name));
  const missing = wanted.filter((name) => !isThere(name)).toSorted();
  const isBelowRoot = (name: string): boolean => {
    const top = name.split('/')[0] ?? '';
    return top !== name && !written.has(top) && isDirectory(path.join(root.path, top));
  };
  return {
    possible: missing.filter((name) => !isBelowRoot(name)),
    impossible: missing.filter(isBelowRoot),
  };
}

/** `a/b/c` as `a`, `a/b`, `a/b/c`. */
function withParents(name: string): readonly string[] {
  const parts = name.split('/');
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}

function isDirectory(file: string): boolean {
  return unlessMissingSync(() => statSync(file))?.isDirectory() ?? false;
}

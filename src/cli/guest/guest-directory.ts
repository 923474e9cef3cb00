import path from 'node:path';
import type { Share } from '../../project/project.ts';

/**
 * Where a directory of the host is in a guest: on the share with the longest source above it. Paths are real ones.
 * Undefined where no share holds it.
 */
export function guestDirectory(
  directory: string,
  shares: readonly Pick<Share, 'source' | 'target'>[],
): string | undefined {
  let found: { readonly source: string; readonly target: string } | undefined;
  for (const { source, target } of shares) {
    if (target === undefined || !isWithin(directory, source)) continue;
    if (!found || source.length > found.source.length) found = { source, target };
  }
  return found && path.posix.join(found.target, path.relative(found.source, directory));
}

function isWithin(directory: string, source: string): boolean {
  const relative = path.relative(source, directory);
  return relative !== '..' && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative);
}

import { posix } from 'node:path';
import type { Place } from './place.ts';

/** A guest path in its shortest form; a relative one is reported, because the guest knows no project directory. */
export function resolveGuestPath(value: string, at: Place): string {
  if (!posix.isAbsolute(value)) {
    at.error('path', `"${value}" is not an absolute path in the guest`, {
      hint: `did you mean \`/${value}\`?`,
    });
  }
  const normal = posix.normalize(posix.join('/', value));
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal;
}

const RESERVED = ['/dev', '/proc', '/sys'];

/** The directory that makes a mount point impossible: `/` itself, or one that the guest's kernel fills. */
export function reservedGuestPath(target: string): string | undefined {
  if (target === '/') return '/';
  return RESERVED.find((reserved) => target === reserved || target.startsWith(`${reserved}/`));
}

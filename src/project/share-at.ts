import { posix } from 'node:path';
import type { Share } from './project.ts';

/** What a path in the guest is on the host. */
export interface SharedPath {
  readonly share: Share;
  /** Where the guest has the share. */
  readonly mount: string;
  /** Absolute. */
  readonly onHost: string;
}

/** The share that a path of the guest lies on: the innermost, because it hides the others; none outside of all. */
export function sharedPath(path: string, shares: readonly Share[]): SharedPath | undefined {
  const [innermost] = shares
    .flatMap((share) => (share.target === undefined ? [] : [{ share, mount: share.target }]))
    .filter(({ mount }) => path === mount || path.startsWith(`${mount}/`))
    .toSorted((a, b) => b.mount.length - a.mount.length);
  if (!innermost) return undefined;
  const { share, mount } = innermost;
  return { share, mount, onHost: posix.join(share.source, posix.relative(mount, path)) };
}

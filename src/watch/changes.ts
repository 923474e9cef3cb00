/** What something of the host looks like from outside. Same look: same thing, as far as watching is concerned. */
export interface Look {
  readonly kind: 'file' | 'directory' | 'link';
  /** Permission bits. */
  readonly mode: number;
  readonly size: number;
  readonly mtimeMs: number;
  readonly inode: number;
  /** It was written just before it was looked at: another write may leave the same look. */
  readonly isFresh: boolean;
}

/** What became of one path. A renamed file is one that was deleted and one that was created. */
export interface Change {
  /** Absolute. */
  readonly path: string;
  readonly type: 'created' | 'changed' | 'deleted';
  /** Of what is there now, or was there before it was deleted. */
  readonly kind: Look['kind'];
}

/** Whether something else is there now. What a directory holds are changes of their own. */
export function isChanged(before: Look, now: Look): boolean {
  if (before.kind !== now.kind) return true;
  if (now.kind === 'directory') return false;
  if (before.isFresh || before.mode !== now.mode) return true;
  return before.size !== now.size || before.mtimeMs !== now.mtimeMs || before.inode !== now.inode;
}

/** Whether a path is another one or lies below it. */
export function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory === '/' ? '/' : `${directory}/`);
}

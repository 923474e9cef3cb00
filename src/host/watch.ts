import { watch, type FSWatcher } from 'node:fs';
import { ignoreErrno } from './errno.ts';

/** Errors of fs.watch that mean: no notification here, the caller's slow poll has to do. */
const NO_WATCH = ['ENOENT', 'ENOSPC', 'EMFILE', 'ENOSYS', 'EPERM', 'EACCES', 'ENOTDIR'];

export interface PathWatch {
  /** False when the system gives no notifications for it (it does not exist, watch limit reached). */
  readonly active: boolean;
  close(): void;
}

/**
 * Calls back when a file changes, or with the name of each entry of a directory that does; the name is undefined where
 * the system hides it.
 */
export function watchPath(path: string, changed: (name: string | undefined) => void): PathWatch {
  let watcher: FSWatcher | undefined;
  try {
    watcher = watch(path, { persistent: false }, (_kind, name) => changed(name ?? undefined));
  } catch (error) {
    ignoreErrno(error, ...NO_WATCH);
  }
  const close = (): void => {
    watcher?.close();
    watcher = undefined;
  };
  // The directory went away, or the limit was reached after all.
  watcher?.on('error', () => {
    close();
    changed(undefined);
  });
  return {
    get active() {
      return watcher !== undefined;
    },
    close,
  };
}

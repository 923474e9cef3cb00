import path from 'node:path';
import { type FSWatcher, watch } from 'chokidar';
import { errnoOf } from '../host/errno.ts';

/** How often files are looked at where the system gives no events. */
const POLL_MS = 1000;

/** Events of files, as places to look at. */
export interface FileEvents {
  /** Resolves when everything is watched. */
  readonly ready: Promise<void>;
  close(): Promise<void>;
}

export interface FileEventsOptions {
  /** What need not be watched. */
  readonly ignores: (file: string, isDirectory: boolean) => boolean;
  /** Where it is a directory after all, what is below it is of no interest. */
  readonly isShallow?: boolean;
  /** Something may have happened to this path. */
  readonly onDoubt: (file: string) => void;
  /** Something of interest about the watching itself; it goes on. */
  readonly onTrouble: (message: string, hint?: string) => void;
}

/** Watches a file or a directory with all below it; also one that is not there yet. */
export function watchFiles(root: string, options: FileEventsOptions): FileEvents {
  let watcher: FSWatcher;
  let isPolling = false;
  let isClosed = false;
  let isReady: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => (isReady = resolve));

  const start = (usePolling: boolean): void => {
    watcher = watch(root, {
      ignoreInitial: true,
      followSymlinks: false,
      ...(options.isShallow ? { depth: 0 } : {}),
      ignorePermissionErrors: true,
      // Files are looked at after a quiet period anyway.
      atomic: false,
      usePolling,
      interval: POLL_MS,
      binaryInterval: POLL_MS,
      ignored: (file, stats) => stats !== undefined && options.ignores(file, stats.isDirectory()),
    });
    watcher.on('all', (_event, file) => options.onDoubt(file));
    // What chokidar keeps to itself, such as a change of rights.
    watcher.on('raw', (_event, name, details: unknown) => {
      for (const file of placesOf(name, details)) options.onDoubt(file);
    });
    watcher.on('ready', () => isReady());
    watcher.on('error', (error) => fail(error));
  };

  const fail = (error: unknown): void => {
    const limit = limitOf(errnoOf(error), root);
    if (limit === undefined || isPolling) {
      options.onTrouble(`cannot watch ${root}: ${error instanceof Error ? error.message : String(error)}`);
      return;
    }
    isPolling = true;
    options.onTrouble(limit.message, limit.hint);
    void restart();
  };

  const restart = async (): Promise<void> => {
    await watcher.close();
    if (!isClosed) start(true);
  };

  start(false);
  return {
    ready,
    async close() {
      isClosed = true;
      isReady();
      await watcher.close();
    },
  };
}

/** A raw event names a path, or an entry of the directory that is watched. */
function placesOf(name: unknown, details: unknown): readonly string[] {
  const watched = (details as { readonly watchedPath?: unknown } | undefined)?.watchedPath;
  if (typeof name !== 'string') return typeof watched === 'string' ? [watched] : [];
  if (path.isAbsolute(name)) return [name];
  return typeof watched === 'string' ? [watched, path.join(watched, name)] : [];
}

interface Limit {
  readonly message: string;
  readonly hint: string;
}

function limitOf(code: string | undefined, root: string): Limit | undefined {
  const often = `looking every ${POLL_MS} ms instead`;
  if (code === 'ENOSPC') {
    return {
      message: `cannot watch all of ${root}: the system allows no more inotify watches; ${often}`,
      hint: 'raise the limit: sudo sysctl fs.inotify.max_user_watches=524288',
    };
  }
  if (code === 'EMFILE' || code === 'ENFILE') {
    return {
      message: `cannot watch all of ${root}: too many open files or inotify instances; ${often}`,
      hint: 'raise the limits: sudo sysctl fs.inotify.max_user_instances=512, and ulimit -n',
    };
  }
  return undefined;
}

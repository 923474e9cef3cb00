import { existsSync, type Stats } from 'node:fs';
import path from 'node:path';
import { type FSWatcher, watch } from 'chokidar';
import { errnoOf } from '../host/errno.ts';

/** How often files are looked at where the system gives no events. */
const POLL_MS = 1000;

/**
 * chokidar reads a directory before it watches it, may never watch one that comes meanwhile, and goes on watching one that
 * was replaced by another: files come and change there without an event. So where something came while it was reading at
 * its beginning, and where directories are new, it begins anew as soon as nothing has come for so long.
 */
const SETTLED_MS = 1000;

/** What comes again and again puts the new beginning off for so long at most. */
const LONGEST_SETTLING_MS = 10_000;

/**
 * chokidar listens to errors of its watches only where they keep the process alive, and FSEvents may refuse some of them
 * long after they were asked for. inotify refuses at once; there its watches must not keep the process alive, because when
 * it is closed while it reads it may leave one behind that nothing ends, and because two trees would share one, which stays
 * with a directory that was replaced (FSEvents goes by path).
 */
const IS_PERSISTENT = process.platform === 'darwin';

/** Of a timer that is never meant to fire. */
const LONG_MS = 0x7fff_ffff;

/** Events of files, as places to look at. */
export interface FileEvents {
  /** Resolves when everything is watched. */
  readonly ready: Promise<void>;
  /** Directories have come, or been replaced: watches everything anew once they are all there. */
  renew(): void;
  close(): Promise<void>;
}

export interface FileEventsOptions {
  /** What need not be watched. */
  readonly ignores: (file: string, isDirectory: boolean) => boolean;
  /** Where it is a directory after all, what is below it is of no interest. */
  readonly isShallow?: boolean;
  /** Everything is watched, at first or again: what happened before that may have had no event. */
  readonly onReady?: () => void;
  /** Something may have happened to this path. */
  readonly onDoubt: (file: string) => void;
  /** Something of interest about the watching itself; it goes on. */
  readonly onTrouble: (message: string, hint?: string) => void;
}

/** Watches a file or a directory with all below it; also one that is not there yet, or goes and comes back. */
export function watchFiles(root: string, options: FileEventsOptions): FileEvents {
  return new FileWatch(root, options);
}

class FileWatch implements FileEvents {
  readonly ready: Promise<void>;
  readonly #root: string;
  readonly #options: FileEventsOptions;
  #isReady: () => void = () => undefined;
  #watcher: FSWatcher;
  #isPolling = false;
  #isClosed = false;
  #isRestarting = false;
  /** When what there was to read at the beginning has certainly been read. */
  #settledAtMs = Infinity;
  /** Resolves when the present watcher has read what there is. */
  #hasRead: Promise<void> = Promise.resolve();
  /** Keeps the process alive in place of what chokidar watches. */
  readonly #alive = setInterval(() => undefined, LONG_MS);
  #settling: NodeJS.Timeout | undefined;
  /** When it began to settle. */
  #unsettledMs: number | undefined;
  #arrival: NodeJS.Timeout | undefined;

  constructor(root: string, options: FileEventsOptions) {
    this.#root = root;
    this.#options = options;
    this.ready = new Promise((resolve) => (this.#isReady = resolve));
    this.#watcher = this.#start();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#alive);
    this.#stopTimers();
    this.#isReady();
    await this.#closeWatcher();
  }

  renew(): void {
    if (!this.#isClosed) this.#settle();
  }

  #start(): FSWatcher {
    const { ignores, isShallow, onDoubt, onReady } = this.#options;
    this.#settledAtMs = Infinity;
    // What comes while chokidar turns to the directory around it has no event.
    if (!existsSync(this.#root))
      this.#arrival = setInterval(() => existsSync(this.#root) && this.#settle(), POLL_MS);
    const watcher = watch(this.#root, {
      ignoreInitial: true,
      persistent: IS_PERSISTENT,
      followSymlinks: false,
      ...(isShallow ? { depth: 0 } : {}),
      ignorePermissionErrors: true,
      // Files are looked at after a quiet period anyway.
      atomic: false,
      usePolling: this.#isPolling,
      interval: POLL_MS,
      binaryInterval: POLL_MS,
      ignored: (file, stats) => stats !== undefined && ignores(file, stats.isDirectory()),
    });
    watcher.on('all', (event, file, stats) => {
      onDoubt(file);
      this.#see(event, file, stats);
    });
    // What chokidar keeps to itself, such as a change of rights.
    watcher.on('raw', (_event, name, details: unknown) => {
      for (const file of placesOf(name, details)) onDoubt(file);
    });
    this.#hasRead = new Promise((resolve) => watcher.once('ready', resolve));
    watcher.on('ready', () => {
      this.#settledAtMs = Date.now() + SETTLED_MS;
      this.#isReady();
      if (!this.#isClosed) onReady?.();
    });
    watcher.on('error', (error) => this.#fail(error));
    return watcher;
  }

  #see(event: string, file: string, stats: Stats | undefined): void {
    // chokidar does not see it come back, as it sees one come that was never there.
    if (file === this.#root && event.startsWith('unlink')) void this.#restart();
    else if (event === 'addDir') this.#settle();
    // chokidar tells of every link that it reads as one that comes.
    else if (event !== 'add' || stats?.isSymbolicLink()) return;
    else if (this.#settling || Date.now() < this.#settledAtMs) this.#settle();
  }

  #settle(): void {
    const now = Date.now();
    const since = this.#unsettledMs ?? now;
    this.#stopTimers();
    this.#unsettledMs = since;
    const delayMs = Math.min(SETTLED_MS, Math.max(0, since + LONGEST_SETTLING_MS - now));
    this.#settling = setTimeout(() => this.#settled(), delayMs);
  }

  #settled(): void {
    if (this.#settledAtMs < Infinity) return void this.#restart();
    // In a tree that takes long to read, something may come during each reading: none would ever be the last.
    this.#unsettledMs = undefined;
    this.#settle();
  }

  async #restart(): Promise<void> {
    this.#stopTimers();
    if (this.#isRestarting) return;
    this.#isRestarting = true;
    await this.#closeWatcher();
    this.#isRestarting = false;
    if (!this.#isClosed) this.#watcher = this.#start();
  }

  async #closeWatcher(): Promise<void> {
    if (IS_PERSISTENT) await this.#hasRead;
    await this.#watcher.close();
  }

  #stopTimers(): void {
    clearTimeout(this.#settling);
    clearInterval(this.#arrival);
    this.#settling = undefined;
    this.#unsettledMs = undefined;
  }

  #fail(error: unknown): void {
    const limit = limitOf(errnoOf(error), this.#root);
    if (limit === undefined || this.#isPolling) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#options.onTrouble(`cannot watch ${this.#root}: ${reason}`);
      return;
    }
    this.#isPolling = true;
    this.#options.onTrouble(limit.message, limit.hint);
    void this.#restart();
  }
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

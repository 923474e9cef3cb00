import { type FSWatcher, lstatSync, readdirSync, type Stats, watch } from 'node:fs';
import path from 'node:path';
import { errnoOf } from '../host/errno.ts';
import { isWithin } from './changes.ts';

/** How often files are looked at where the system gives no events. */
const POLL_MS = 1000;

/** Errors of what went, or is not for everybody, while it was turned to. */
const ABSENT = ['ENOENT', 'ENOTDIR'];
const UNREADABLE = ['EACCES', 'EPERM', 'ELOOP'];

/** FSEvents tells of everything below a directory; inotify of its entries alone. */
const IS_WHOLE_TREE = process.platform === 'darwin';

/** Events of files, as places to look at. */
export interface FileEvents {
  /** Resolves when everything is watched. */
  readonly ready: Promise<void>;
  /** Directories have come, or been replaced, or are ignored no longer: watches everything anew. */
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
  /** By path: the root, and directories below it. */
  readonly #watchers = new Map<string, FSWatcher>();
  /** The root when it was last turned to. */
  #seen: Stats | undefined;
  #isPolling = false;
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(root: string, options: FileEventsOptions) {
    this.#root = root;
    this.#options = options;
    this.ready = new Promise((resolve) => (this.#isReady = resolve));
    this.#start();
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#stop();
    this.#isReady();
    return Promise.resolve();
  }

  renew(): void {
    if (this.#isClosed) return;
    this.#stop();
    this.#start();
  }

  #start(): void {
    this.#seen = lookAt(this.#root);
    if (this.#seen) this.#watch(this.#root);
    if (this.#watchers.size === 0) this.#timer = setInterval(() => this.#poll(), POLL_MS);
    // Whoever wants to know is being made.
    queueMicrotask(() => {
      if (!this.#isClosed) this.#options.onReady?.();
      this.#isReady();
    });
  }

  #stop(): void {
    clearInterval(this.#timer);
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  #poll(): void {
    const now = lookAt(this.#root);
    if (now?.isDirectory() || !isSame(this.#seen, now)) this.renew();
  }

  /** Watches a directory before it reads it: what comes meanwhile has an event. */
  #watch(start: string, tell?: (file: string) => void): void {
    const waiting = [start];
    for (let file = waiting.pop(); file !== undefined && !this.#isPolling; file = waiting.pop()) {
      try {
        this.#watchers.set(file, this.#watchOne(file));
        if (!this.#isDeep) continue;
        for (const entry of readdirSync(file, { withFileTypes: true })) {
          const inner = path.join(file, entry.name);
          tell?.(inner);
          if (entry.isDirectory() && !this.#options.ignores(inner, true)) waiting.push(inner);
        }
      } catch (error) {
        this.#refuse(file, error);
      }
    }
  }

  /** Directories below the root are watched, each by itself. */
  get #isDeep(): boolean {
    return this.#seen?.isDirectory() === true && !this.#options.isShallow && !IS_WHOLE_TREE;
  }

  #watchOne(file: string): FSWatcher {
    // A watch of a link would be one of the file behind it.
    const isLink = file === this.#root && this.#seen?.isSymbolicLink() === true;
    const recursive = IS_WHOLE_TREE && this.#seen?.isDirectory() === true && !this.#options.isShallow;
    const watcher = watch(isLink ? path.dirname(file) : file, { recursive }, (kind, name) => {
      if (!isLink || name === null || name === path.basename(file)) this.#heed(file, kind, name);
    });
    watcher.on('error', (error) => this.#fail(error));
    return watcher;
  }

  #refuse(file: string, error: unknown): void {
    const code = errnoOf(error) ?? '';
    if (ABSENT.includes(code)) {
      if (file === this.#root) this.#seen = undefined;
    } else if (!UNREADABLE.includes(code)) this.#fail(error);
  }

  #heed(watched: string, kind: string, name: string | null): void {
    const { onDoubt, ignores } = this.#options;
    onDoubt(watched);
    if (watched === this.#root && this.#isRootAnother(kind, name)) this.renew();
    if (name === null || !this.#seen?.isDirectory()) return;
    const file = path.join(watched, name);
    // It may be gone, and nobody knows what it was.
    if (ignores(file, true) && ignores(file, false)) return;
    onDoubt(file);
    if (kind !== 'rename' || !this.#isDeep) return;
    this.#unwatch(file);
    if (lookAt(file)?.isDirectory() && !ignores(file, true)) this.#watch(file, onDoubt);
  }

  /** A watch stays with what has gone, or has been moved away. */
  #isRootAnother(kind: string, name: string | null): boolean {
    if (kind === 'rename' && (name === null || name === path.basename(this.#root))) return true;
    return lookAt(this.#root)?.ino !== this.#seen?.ino;
  }

  /** With all that was below it. */
  #unwatch(directory: string): void {
    if (!this.#watchers.has(directory)) return;
    for (const [file, watcher] of this.#watchers) {
      if (!isWithin(file, directory)) continue;
      watcher.close();
      this.#watchers.delete(file);
    }
  }

  #fail(error: unknown): void {
    const limit = limitOf(errnoOf(error), this.#root);
    if (limit === undefined) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#options.onTrouble(`cannot watch ${this.#root}: ${reason}`);
      return;
    }
    // Many may fail at once.
    if (this.#isPolling) return;
    this.#isPolling = true;
    this.#options.onTrouble(limit.message, limit.hint);
    // Not at once: it may be just beginning.
    setImmediate(() => this.renew());
  }
}

/** Undefined also where it cannot be known. */
function lookAt(file: string): Stats | undefined {
  try {
    return lstatSync(file);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return undefined;
  }
}

function isSame(before: Stats | undefined, now: Stats | undefined): boolean {
  return before?.ino === now?.ino && before?.size === now?.size && before?.ctimeMs === now?.ctimeMs;
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

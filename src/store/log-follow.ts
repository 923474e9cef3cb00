import path from 'node:path';
import { watchDirectory, type DirectoryWatch } from '../host/watch.ts';
import { LogCursor, mergeByTime, type LogEntry, type LogQuery, type LogSource } from './log-read.ts';

/** For what no notification tells: a machine that is new, a directory that came back, a network file system. */
const POLL_MS = 1000;

export interface FollowOptions {
  readonly query?: LogQuery;
  /** Ends the iteration. Lines that are in the files by then are still delivered. */
  readonly signal?: AbortSignal;
}

/**
 * Reads what is in the logs and then every line as it comes, over rotations, restarts and recreated machines. `sources`
 * is asked again and again: machines that appear later are read from their beginning.
 */
export async function* followLogs(
  sources: () => readonly LogSource[],
  options: FollowOptions = {},
): AsyncGenerator<LogEntry> {
  const follower = new Follower(sources, options.query ?? {});
  const stop = (): void => follower.wake();
  options.signal?.addEventListener('abort', stop);
  try {
    yield* follower.history();
    for (;;) {
      const last = options.signal?.aborted ?? false;
      yield* follower.appended();
      if (last) return;
      await follower.changed();
    }
  } finally {
    options.signal?.removeEventListener('abort', stop);
    follower.close();
  }
}

class Follower {
  readonly #sources: () => readonly LogSource[];
  readonly #query: LogQuery;
  readonly #followed = new Map<string, { readonly cursor: LogCursor; watch: DirectoryWatch }>();
  #awake = false;
  #resolve: (() => void) | undefined;

  constructor(sources: () => readonly LogSource[], query: LogQuery) {
    this.#sources = sources;
    this.#query = query;
  }

  *history(): Generator<LogEntry> {
    yield* mergeByTime(this.#add(this.#query).map((cursor) => cursor.history()));
  }

  *appended(): Generator<LogEntry> {
    this.#awake = false;
    const { tail: _, ...query } = this.#query;
    for (const cursor of this.#add(query)) yield* cursor.history();
    yield* mergeByTime([...this.#followed.values()].map(({ cursor }) => cursor.appended()));
  }

  /** Resolves when something may have been appended. */
  async changed(): Promise<void> {
    if (this.#awake) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, POLL_MS);
      this.#resolve = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#resolve = undefined;
  }

  wake(): void {
    this.#awake = true;
    this.#resolve?.();
  }

  close(): void {
    for (const { cursor, watch } of this.#followed.values()) {
      cursor.close();
      watch.close();
    }
    this.#followed.clear();
  }

  /** Begins with sources not seen before, and watches again where a directory was removed and came back. */
  #add(query: LogQuery): LogCursor[] {
    const added: LogCursor[] = [];
    for (const source of this.#sources()) {
      const known = this.#followed.get(source.file);
      if (known?.watch.active) continue;
      const directory = path.dirname(source.file);
      const name = path.basename(source.file);
      // Watched before it is read, so that nothing falls between the two.
      const watch = watchDirectory(directory, (changed) => {
        if (changed === undefined || changed === name) this.wake();
      });
      if (known) {
        known.watch = watch;
        continue;
      }
      const cursor = new LogCursor(source, query);
      this.#followed.set(source.file, { cursor, watch });
      added.push(cursor);
    }
    return added;
  }
}

import path from 'node:path';
import { ChangeSignal } from '../host/change-signal.ts';
import { LogCursor, type LogEntry, type LogQuery, type LogSource, mergeByTime } from '../store/log-read.ts';

export interface FollowOptions<S extends LogSource> {
  /** Where the logs are; asked again whenever something changes, because machines come and go. */
  readonly list: () => Promise<readonly S[]>;
  /** For the logs that exist at the start. */
  readonly query: LogQuery;
  /** For those that appear later. */
  readonly laterQuery: LogQuery;
  /** The directories below which those of machines and networks are. */
  readonly parents: readonly string[];
  /** Ends the following, after a last look. */
  readonly signal: AbortSignal;
  readonly onEntry: (entry: LogEntry<S>) => void;
}

/** Hands on what is there, then what comes, until the signal; restarts, rotation and recreation do not end it. */
export async function followLogs<S extends LogSource>(options: FollowOptions<S>): Promise<void> {
  // Kept while their machines are away: one that is made anew goes on with its log.
  const cursors = new Map<string, LogCursor<S>>();
  const changes = new ChangeSignal();
  const refresh = async (query: LogQuery): Promise<void> => {
    const sources = await options.list();
    const directories = sources.map((source) => path.dirname(source.file));
    changes.watchOnly([...options.parents, ...directories]);
    const fresh = sources.filter((source) => !cursors.has(source.file));
    for (const source of fresh) cursors.set(source.file, new LogCursor(source, query));
    const opened = fresh.flatMap((source) => cursors.get(source.file) ?? []);
    emit(opened, (cursor) => cursor.history(), options.onEntry);
  };
  try {
    await refresh(options.query);
    for (;;) {
      const last = options.signal.aborted;
      emit([...cursors.values()], (cursor) => cursor.appended(), options.onEntry);
      if (last) return;
      await changes.next(options.signal);
      await refresh(options.laterQuery);
    }
  } finally {
    changes.close();
    for (const cursor of cursors.values()) cursor.close();
  }
}

function emit<S extends LogSource>(
  cursors: readonly LogCursor<S>[],
  read: (cursor: LogCursor<S>) => Iterable<LogEntry<S>>,
  onEntry: (entry: LogEntry<S>) => void,
): void {
  for (const entry of mergeByTime(cursors.map(read))) onEntry(entry);
}

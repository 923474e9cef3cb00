import path from 'node:path';
import { ChangeSignal } from '../host/change-signal.ts';
import { LogCursor, type LogEntry, type LogQuery, type LogSource, mergeByTime } from '../store/log-read.ts';

/** Where the logs of a project's machines are; asked again whenever something changes, because machines come and go. */
export type ListSources = () => Promise<readonly LogSource[]>;

export interface FollowOptions {
  /** For the machines that exist at the start. */
  readonly query: LogQuery;
  /** For machines that appear later. */
  readonly laterQuery: LogQuery;
  /** The directory below which the machines' directories are. */
  readonly machinesDirectory: string;
  /** Ends the following, after a last look. */
  readonly signal: AbortSignal;
  readonly onEntry: (entry: LogEntry) => void;
}

/** Hands on what is there, then what comes, until the signal; restarts, rotation and recreation do not end it. */
export async function followLogs(list: ListSources, options: FollowOptions): Promise<void> {
  // Kept while their machines are away: one that is made anew goes on with its log.
  const cursors = new Map<string, LogCursor>();
  const changes = new ChangeSignal();
  const refresh = async (query: LogQuery): Promise<void> => {
    const sources = await list();
    const directories = sources.map((source) => path.dirname(source.file));
    changes.watchOnly([options.machinesDirectory, ...directories]);
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

function emit(
  cursors: readonly LogCursor[],
  read: (cursor: LogCursor) => Iterable<LogEntry>,
  onEntry: (entry: LogEntry) => void,
): void {
  for (const entry of mergeByTime(cursors.map(read))) onEntry(entry);
}

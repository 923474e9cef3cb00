import type { LogEntry, LogSource } from '../store/log-read.ts';
import type { LogOrigin, LogEntry as ViewEntry } from '../view/logs.ts';

/** A log, and whose it is. */
export interface NamedSource extends LogSource {
  readonly origin: LogOrigin;
}

/** A line of a log file in the words of the view. */
export function viewEntry({ source, line }: LogEntry<NamedSource>): ViewEntry {
  return { origin: source.origin, time: line.t, stream: line.s, text: line.l, partial: line.p === true };
}

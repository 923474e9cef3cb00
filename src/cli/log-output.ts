import type { LogEntry } from '../store/log-read.ts';
import type { LogEntry as ViewEntry } from '../view/logs.ts';

/** A line of a log file in the words of the view. */
export function viewEntry({ machine, line }: LogEntry): ViewEntry {
  return { machine, time: line.t, stream: line.s, text: line.l, partial: line.p === true };
}

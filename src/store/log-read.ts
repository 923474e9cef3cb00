import fs from 'node:fs';
import { rotatedFiles } from './log-file.ts';
import {
  backwardLines,
  firstLineNotBefore,
  forwardLines,
  openLog,
  sizeOf,
  type OpenLog,
} from './log-scan.ts';
import { LineFilter } from './line-filter.ts';
import type { LogLine } from './records.ts';

/** One log; it need not exist (yet). What else a reader keeps here comes back with each entry. */
export interface LogSource {
  /** `logFile` of a machine's or a network's layout. */
  readonly file: string;
}

export interface LogQuery {
  /** Only that many last lines of each log. */
  readonly tail?: number;
  readonly since?: Date;
  readonly until?: Date;
  /** Lines that are wanted at all; `tail` counts those. */
  readonly accept?: (line: LogLine) => boolean;
  /** Whether a line is wanted by its whole text, also where it is stored in pieces. */
  readonly matches?: (text: string) => boolean;
}

export interface LogEntry<S extends LogSource = LogSource> {
  readonly source: S;
  readonly line: LogLine;
}

/** Reads what is in the logs now, merged by time. */
export async function* readLogs<S extends LogSource>(
  sources: readonly S[],
  query: LogQuery = {},
): AsyncGenerator<LogEntry<S>> {
  const cursors = sources.map((source) => new LogCursor(source, query));
  try {
    yield* mergeByTime(cursors.map((cursor) => cursor.history()));
  } finally {
    for (const cursor of cursors) cursor.close();
  }
}

/** Merges sequences that are each in order of time; equal times keep the order of the sequences. */
export function* mergeByTime<S extends LogSource>(
  sequences: readonly Iterable<LogEntry<S>>[],
): Generator<LogEntry<S>> {
  const heads = sequences
    .map((sequence) => sequence[Symbol.iterator]())
    .map((iterator) => ({ iterator, next: iterator.next() }));
  for (;;) {
    let earliest: { iterator: Iterator<LogEntry<S>>; next: IteratorResult<LogEntry<S>> } | undefined;
    for (const head of heads) {
      if (head.next.done) continue;
      if (!earliest || head.next.value.line.t < (earliest.next.value as LogEntry<S>).line.t) earliest = head;
    }
    if (!earliest) return;
    yield earliest.next.value as LogEntry<S>;
    earliest.next = earliest.iterator.next();
  }
}

/** A place in one log that moves from its history to what is appended, across rotations. */
export class LogCursor<S extends LogSource> {
  readonly #source: S;
  readonly #query: LogQuery;
  /** Files of the history, the oldest first; the last one is where new lines come. */
  readonly #history: { readonly log: OpenLog; start: number; readonly end: number }[];
  #current: { log: OpenLog; offset: number } | undefined;
  readonly #filter: LineFilter<LogEntry<S>> | undefined;

  constructor(source: S, query: LogQuery) {
    this.#source = source;
    this.#query = query;
    this.#history = openAll(source.file).map((log) => bounds(log, query));
    if (query.tail !== undefined && query.matches) this.#keepMatchingTail(query.tail, query.matches);
    else if (query.tail !== undefined) this.#keepTail(query.tail);
    this.#filter = query.matches && new LineFilter(query.matches);
  }

  *history(): Generator<LogEntry<S>> {
    for (const [index, part] of this.#history.entries()) {
      const last = index === this.#history.length - 1;
      if (last) this.#current = { log: part.log, offset: part.start };
      for (const { line, end } of forwardLines(part.log, part.start, part.end)) {
        if (last && this.#current) this.#current.offset = end;
        yield* this.#wanted(line);
      }
      if (!last) fs.closeSync(part.log.handle);
    }
    this.#history.length = 0;
  }

  /** Lines appended since the last call. */
  *appended(): Generator<LogEntry<S>> {
    for (;;) {
      this.#current ??= this.#openFirst();
      if (!this.#current) return;
      const { log } = this.#current;
      // Asked before reading: when the name has moved on by now, what is read below is the old file's end.
      const successor = this.#successor(log);
      for (const { line, end } of forwardLines(log, this.#current.offset)) {
        this.#current.offset = end;
        yield* this.#wanted(line);
      }
      if (!successor) return;
      fs.closeSync(log.handle);
      this.#current = { log: successor, offset: 0 };
    }
  }

  close(): void {
    for (const { log } of this.#history)
      if (log.handle !== this.#current?.log.handle) fs.closeSync(log.handle);
    if (this.#current) fs.closeSync(this.#current.log.handle);
    this.#history.length = 0;
    this.#current = undefined;
  }

  #wanted(line: LogLine): readonly LogEntry<S>[] {
    if (!this.#accepts(line)) return [];
    const entry = { source: this.#source, line };
    return this.#filter ? this.#filter.push(line, entry) : [entry];
  }

  #accepts(line: LogLine): boolean {
    const { since, until, accept } = this.#query;
    if (since && line.t < since.toISOString()) return false;
    if (until && line.t > until.toISOString()) return false;
    return accept?.(line) ?? true;
  }

  /** Moves the start of the history to its last `count` lines; the pieces of a long line count as one. */
  #keepTail(count: number): void {
    let left = count;
    let found = count === 0;
    for (const part of this.#history.toReversed()) {
      let kept = part.end;
      for (const { line, start } of found ? [] : backwardLines(part.log, part.end)) {
        if (start < part.start) break;
        if (this.#accepts(line) && !line.p) {
          found = left === 0;
          if (found) break;
          left -= 1;
        }
        kept = start;
      }
      part.start = kept;
    }
  }

  /** The same for lines that match; those are found from the beginning, because only whole lines can match. */
  #keepMatchingTail(count: number, matches: (text: string) => boolean): void {
    const found: { readonly index: number; readonly offset: number }[] = [];
    const filter = new LineFilter<{ readonly index: number; readonly offset: number }>(matches);
    for (const [index, part] of this.#history.entries()) {
      let offset = part.start;
      for (const { line, end } of forwardLines(part.log, part.start, part.end)) {
        const [first] = this.#accepts(line) ? filter.push(line, { index, offset }) : [];
        if (first) found.push(first);
        if (found.length > count) found.shift();
        offset = end;
      }
    }
    const from = found[0] ?? { index: this.#history.length, offset: 0 };
    for (const [index, part] of this.#history.entries()) {
      if (index < from.index) part.start = part.end;
      else if (index === from.index) part.start = from.offset;
    }
  }

  #openFirst(): { log: OpenLog; offset: number } | undefined {
    const [first, ...later] = openAll(this.#source.file);
    for (const log of later) fs.closeSync(log.handle);
    return first && { log: first, offset: 0 };
  }

  /** The file after the one being read; undefined while that is still the newest. */
  #successor(log: OpenLog): OpenLog | undefined {
    if (inodeOf(this.#source.file) === log.inode) return undefined;
    const files = openAll(this.#source.file);
    const place = files.findIndex(({ inode }) => inode === log.inode);
    // Rotated out of existence while nobody read: the oldest that is left comes next.
    const next = files[place + 1];
    for (const file of files) if (file !== next) fs.closeSync(file.handle);
    return next;
  }
}

/** All files of a log, the oldest first; listed again when a rotation renamed them meanwhile. */
function openAll(file: string): OpenLog[] {
  for (;;) {
    const paths = [...rotatedFiles(file).map((rotated) => rotated.path), file];
    const logs = paths.map(openLog).filter((log) => log !== undefined);
    const now = inodeOf(file);
    if (now === undefined || now === logs.at(-1)?.inode) return logs;
    for (const { handle } of logs) fs.closeSync(handle);
  }
}

function inodeOf(file: string): number | undefined {
  return fs.statSync(file, { throwIfNoEntry: false })?.ino;
}

function bounds(log: OpenLog, query: LogQuery): { log: OpenLog; start: number; end: number } {
  const size = sizeOf(log);
  const start = query.since ? firstLineNotBefore(log, query.since.toISOString(), size) : 0;
  // One millisecond later, because lines of that very moment are wanted.
  const after = query.until && new Date(query.until.getTime() + 1).toISOString();
  return { log, start, end: after === undefined ? size : firstLineNotBefore(log, after, size) };
}

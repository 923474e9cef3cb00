import fs from 'node:fs';
import { ignoreErrno } from '../host/errno.ts';
import type { LogLine } from './records.ts';

const CHUNK_BYTES = 64 * 1024;
const NEWLINE = 0x0a;

/** One file of a log, held open: a rotation meanwhile changes its name, not what is read. */
export interface OpenLog {
  readonly handle: number;
  readonly inode: number;
}

export function openLog(file: string): OpenLog | undefined {
  try {
    const handle = fs.openSync(file, 'r');
    return { handle, inode: fs.fstatSync(handle).ino };
  } catch (error) {
    ignoreErrno(error, 'ENOENT', 'ENOTDIR');
    return undefined;
  }
}

/** Whole lines of `[start, end)`, with the offset behind each; a line that is still being written is left out. */
export function* forwardLines(
  log: OpenLog,
  start: number,
  end: number = Infinity,
): Generator<{ line: LogLine; end: number }> {
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let rest: Buffer = Buffer.alloc(0);
  let at = start;
  while (at + rest.length < end) {
    const want = Math.min(CHUNK_BYTES, end - at - rest.length);
    const got = fs.readSync(log.handle, chunk, 0, want, at + rest.length);
    if (got === 0) return;
    const bytes = Buffer.concat([rest, chunk.subarray(0, got)]);
    let from = 0;
    for (let newline = bytes.indexOf(NEWLINE); newline !== -1; newline = bytes.indexOf(NEWLINE, from)) {
      const line = parseLine(bytes.toString('utf8', from, newline));
      from = newline + 1;
      if (line) yield { line, end: at + from };
    }
    rest = bytes.subarray(from);
    at += from;
  }
}

/** Whole lines before `end`, the last one first, with the offsets at which each starts and ends. */
export function* backwardLines(
  log: OpenLog,
  end: number,
): Generator<{ line: LogLine; start: number; end: number }> {
  let at = end;
  let rest: Buffer = Buffer.alloc(0);
  while (at > 0) {
    const size = Math.min(CHUNK_BYTES, at);
    const chunk = Buffer.allocUnsafe(size);
    const got = fs.readSync(log.handle, chunk, 0, size, at - size);
    at -= size;
    let bytes = Buffer.concat([chunk.subarray(0, got), rest]);
    for (;;) {
      // The last byte is the newline of the last line, or a line that is still being written.
      const newline = bytes.length < 2 ? -1 : bytes.lastIndexOf(NEWLINE, bytes.length - 2);
      if (newline === -1 && at > 0) break;
      const line = bytes.at(-1) === NEWLINE ? parseLine(bytes.toString('utf8', newline + 1)) : undefined;
      if (line) yield { line, start: at + newline + 1, end: at + bytes.length };
      bytes = bytes.subarray(0, newline + 1);
      if (bytes.length === 0) break;
    }
    rest = bytes;
  }
}

/** Offset of the first line whose time is not before `time`, by bisection: a day's log costs some twenty reads. */
export function firstLineNotBefore(log: OpenLog, time: string, size: number): number {
  let low = 0;
  let high = size;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const next = lineFrom(log, middle, high);
    if (next === undefined) high = middle;
    else if (next.line.t < time) low = next.end;
    else if (next.start <= low) return low;
    else high = middle;
  }
  return low;
}

/** Size up to the last whole line. */
export function sizeOf(log: OpenLog): number {
  return fs.fstatSync(log.handle).size;
}

/** The first line that starts at or after an offset. */
function lineFrom(
  log: OpenLog,
  offset: number,
  limit: number,
): { line: LogLine; start: number; end: number } | undefined {
  const start = offset === 0 ? 0 : afterNewline(log, offset - 1, limit);
  if (start === undefined || start >= limit) return undefined;
  for (const { line, end } of forwardLines(log, start)) return { line, start, end };
  return undefined;
}

function afterNewline(log: OpenLog, offset: number, limit: number): number | undefined {
  const chunk = Buffer.allocUnsafe(4096);
  for (let at = offset; at < limit; at += chunk.length) {
    const got = fs.readSync(log.handle, chunk, 0, chunk.length, at);
    const newline = chunk.subarray(0, got).indexOf(NEWLINE);
    if (newline !== -1) return at + newline + 1;
    if (got < chunk.length) return undefined;
  }
  return undefined;
}

/** What is no line of a log (a power cut left zeros) is passed over; the others are still worth reading. */
function parseLine(text: string): LogLine | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isLogLine(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isLogLine(value: unknown): value is LogLine {
  if (typeof value !== 'object' || value === null) return false;
  const { t, r, l, o } = value as Partial<LogLine>;
  return typeof t === 'string' && typeof r === 'number' && typeof l === 'string' && Array.isArray(o);
}

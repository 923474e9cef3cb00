import fs from 'node:fs';
import path from 'node:path';
import { ignoreErrno } from '../host/errno.ts';
import type { LogSettings } from '../project/project.ts';
import { backwardLines, openLog, sizeOf } from './log-scan.ts';
import type { LogLine, LogOffsets } from './records.ts';

/** How far the raw files of a run have been taken in. */
export interface LogPosition {
  readonly run: number;
  readonly offsets: LogOffsets;
}

/**
 * `log.jsonl` and its rotated predecessors, as their only writer sees them. All calls are synchronous: the files are
 * small and local, and a line and the position that it carries can not be separated by anything else that happens.
 *
 * A rotation must never leave a moment without a last line, because that line says where to go on. So the first lines of
 * the new file are written beside it, as `log.jsonl.next`, before the old one gives up its name.
 */
export class LogFile {
  readonly #file: string;
  #settings: LogSettings;
  #size: number;
  #position: LogPosition | undefined;

  /** Opens the log and repairs what a crash left: half a last line, half a rotation. */
  constructor(file: string, settings: LogSettings) {
    this.#file = file;
    this.#settings = settings;
    finishRotation(file);
    const { size, position } = endOf(file);
    if (fs.existsSync(file)) fs.truncateSync(file, size);
    this.#size = size;
    this.#position = position ?? endOf(`${file}.1`).position;
  }

  /** Where to go on; undefined for a log without lines. */
  get position(): LogPosition | undefined {
    return this.#position;
  }

  /** Sets the sizes for the next rotation. */
  configure(settings: LogSettings): void {
    this.#settings = settings;
  }

  /**
   * Appends lines, rotating where the size is reached, and returns how many have come into the log: where that fails
   * half-way, the next call says why. Throws when there is none.
   */
  append(lines: readonly LogLine[]): number {
    let written = 0;
    let batch: LogLine[] = [];
    let text = '';
    try {
      for (const line of lines) {
        const next = `${JSON.stringify(line)}\n`;
        const full = this.#size + text.length + next.length > this.#settings.maxBytes;
        if (full && this.#size + text.length > 0) {
          this.#write(batch, text);
          written += batch.length;
          batch = [];
          text = '';
          this.#rotateInto(line, next);
          written += 1;
        } else {
          batch.push(line);
          text += next;
        }
      }
      this.#write(batch, text);
      return written + batch.length;
    } catch (error) {
      if (written === 0) throw error;
      return written;
    }
  }

  /** Makes everything written so far survive a power cut; needed before the raw output is given up. */
  sync(): void {
    let handle: number;
    try {
      handle = fs.openSync(this.#file, 'r');
    } catch (error) {
      ignoreErrno(error, 'ENOENT');
      return;
    }
    try {
      fs.fsyncSync(handle);
    } finally {
      fs.closeSync(handle);
    }
  }

  #write(batch: readonly LogLine[], text: string): void {
    const last = batch.at(-1);
    if (last === undefined) return;
    const handle = fs.openSync(this.#file, fs.constants.O_WRONLY | fs.constants.O_CREAT, 0o600);
    try {
      // At the known end, not at the file's: what a full disk left of an earlier try is written over.
      this.#size += writeAll(handle, text, this.#size);
    } catch (error) {
      fs.ftruncateSync(handle, this.#size);
      throw error;
    } finally {
      fs.closeSync(handle);
    }
    this.#position = positionOf(last);
  }

  #rotateInto(first: LogLine, text: string): void {
    const next = `${this.#file}.next`;
    const handle = fs.openSync(next, 'w', 0o600);
    try {
      this.#size = writeAll(handle, text, 0);
    } finally {
      fs.closeSync(handle);
    }
    const kept = Math.max(1, this.#settings.maxFiles) - 1;
    for (const older of rotatedFiles(this.#file)) {
      if (older.number >= kept) fs.rmSync(older.path, { force: true });
      else fs.renameSync(older.path, `${this.#file}.${older.number + 1}`);
    }
    if (kept > 0) fs.renameSync(this.#file, `${this.#file}.1`);
    fs.renameSync(next, this.#file);
    this.#position = positionOf(first);
  }
}

/** Rotated files of a log, the oldest (highest number) first. */
export function rotatedFiles(file: string): readonly { readonly path: string; readonly number: number }[] {
  const prefix = `${path.basename(file)}.`;
  let names: string[];
  try {
    names = fs.readdirSync(path.dirname(file));
  } catch (error) {
    ignoreErrno(error, 'ENOENT');
    return [];
  }
  return names
    .filter((name) => name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length)))
    .map((name) => ({
      path: `${file.slice(0, -path.basename(file).length)}${name}`,
      number: Number(name.slice(prefix.length)),
    }))
    .toSorted((a, b) => b.number - a.number);
}

/** `log.jsonl.next` is whole once `log.jsonl` has lost its name; before that, its lines are still in the raw files. */
function finishRotation(file: string): void {
  const next = `${file}.next`;
  if (!fs.existsSync(next)) return;
  if (fs.existsSync(file)) fs.rmSync(next, { force: true });
  else fs.renameSync(next, file);
}

function positionOf({ r, o }: LogLine): LogPosition {
  const [stdout, stderr, console, helper = 0] = o;
  return { run: r, offsets: [stdout, stderr, console, helper] };
}

interface LogEnd {
  readonly size: number;
  readonly position: LogPosition | undefined;
}

/** Where the last whole line of a file ends, and what it says; nothing for a file that is not there. */
function endOf(file: string): LogEnd {
  const log = openLog(file);
  if (!log) return { size: 0, position: undefined };
  try {
    for (const { line, end } of backwardLines(log, sizeOf(log))) {
      return { size: end, position: positionOf(line) };
    }
    return { size: 0, position: undefined };
  } finally {
    fs.closeSync(log.handle);
  }
}

function writeAll(handle: number, text: string, at: number): number {
  const bytes = Buffer.from(text);
  let written = 0;
  while (written < bytes.length) {
    written += fs.writeSync(handle, bytes, written, bytes.length - written, at + written);
  }
  return written;
}

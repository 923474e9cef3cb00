import fs from 'node:fs';
import path from 'node:path';
import { ignoreErrno } from '../host/errno.ts';
import type { LogSettings } from '../project/project.ts';
import { LogFile } from './log-file.ts';
import { LONGEST_PIECE, splitPieces } from './log-split.ts';
import { rawFile, runLayout, STREAMS, type MachineLayout, type Stream } from './layout.ts';
import type { LogLine, LogOffsets } from './records.ts';

/** Bytes of one stream that are taken in at a time: up to as many lines are in memory, and other machines wait. */
const SLICE_BYTES = 64 * 1024;
/** Taken-in output that may stay in a raw file before its blocks are given back. */
const PUNCH_BYTES = 8 * 1024 * 1024;

type Mutable = [...LogOffsets];

export interface IngestOptions {
  readonly now?: () => Date;
  /** Gives the blocks of `[0, end)` back to the file system; see {@link LogIngest}. */
  readonly punchHole?: (file: string, end: number) => void;
  /** Gets the lines that have come into the log. */
  readonly copy?: (lines: readonly LogLine[]) => void;
}

/**
 * Turns the raw output files of a machine into its log, each byte exactly once.
 *
 * libkrun appends to the raw files and knows nothing of this. How far each file has been taken in stands in every line
 * of the log itself, so the two can never disagree: after a SIGKILL at any moment, the last whole line of the log is the
 * place to go on. A line that is not finished is not taken in; it is read again next time.
 *
 * A raw file grows as long as its run lasts. The part that is in the log is given back by punching a hole: the file's
 * size and all offsets stay as they are. Truncating it instead would lose what libkrun appends between our last read and
 * the truncation, and copying the rest to the front would race with the same writer.
 */
export class LogIngest {
  readonly #layout: MachineLayout;
  readonly #log: LogFile;
  readonly #now: () => Date;
  readonly #copy: ((lines: readonly LogLine[]) => void) | undefined;
  readonly #punchHole: ((file: string, end: number) => void) | undefined;
  #run = 0;
  #offsets: Mutable = [0, 0, 0, 0];
  #punched: Mutable = [0, 0, 0, 0];

  constructor(layout: MachineLayout, settings: LogSettings, options: IngestOptions = {}) {
    this.#layout = layout;
    this.#log = new LogFile(layout.logFile, settings);
    this.#now = options.now ?? (() => new Date());
    this.#punchHole = options.punchHole;
    this.#copy = options.copy;
  }

  /** Sets the sizes for the next rotation. */
  configure(settings: LogSettings): void {
    this.#log.configure(settings);
  }

  /** Run of the last line of the log; 0 for an empty one. */
  get lastRun(): number {
    return this.#log.position?.run ?? 0;
  }

  /**
   * Takes in the next slice of each stream of a run. Returns the lines that have come into the log, and whether there
   * may be more right now. Throws what the file system throws (ENOSPC) where that are none; calling it again goes on
   * where it stopped.
   */
  take(run: number, final = false): { readonly lines: readonly LogLine[]; readonly more: boolean } {
    this.#seek(run);
    const lines: LogLine[] = [];
    const offsets: Mutable = [...this.#offsets];
    let more = false;
    for (const [index, stream] of STREAMS.entries()) {
      const bytes = readSlice(rawFile(this.#layout, run, stream), offsets[index] ?? 0);
      const atEnd = bytes.length < SLICE_BYTES;
      const start = offsets[index] ?? 0;
      for (const piece of splitPieces(bytes, final && atEnd)) {
        offsets[index] = start + piece.end;
        lines.push(this.#line(run, stream, piece.text, { offsets: [...offsets], partial: piece.partial }));
      }
      if (!atEnd) more = true;
    }
    const taken = lines.slice(0, this.#log.append(lines));
    const position = this.#log.position;
    if (position?.run === run) this.#offsets = [...position.offsets];
    this.#copy?.(taken);
    this.#giveBack(run);
    return { lines: taken, more: more || taken.length < lines.length };
  }

  /** Takes in all that is left of a run whose process has ended, its unfinished last lines too. */
  finish(run: number): readonly LogLine[] {
    const all: LogLine[] = [];
    for (;;) {
      const { lines, more } = this.take(run, true);
      all.push(...lines);
      if (!more) return all;
    }
  }

  /** Deletes all files of a finished run. Its output is in the log, and on the disk, before that. */
  discard(run: number): void {
    this.#log.sync();
    for (const stream of [...STREAMS, 'status'] as const) {
      fs.rmSync(rawFile(this.#layout, run, stream), { force: true });
    }
    fs.rmSync(runLayout(this.#layout, run).directory, { recursive: true, force: true });
  }

  /** Numbers of the runs that still have files, in order. */
  leftRuns(): readonly number[] {
    let names: string[];
    try {
      names = fs.readdirSync(this.#layout.directory);
    } catch (error) {
      ignoreErrno(error, 'ENOENT');
      return [];
    }
    const runs = names
      .map((name) => /^run-(\d+)(?:\.[a-z]+)?$/.exec(name)?.[1])
      .filter((run) => run !== undefined);
    return [...new Set(runs.map(Number))].toSorted((a, b) => a - b);
  }

  #seek(run: number): void {
    if (this.#run === run) return;
    const position = this.#log.position;
    this.#run = run;
    this.#punched = [0, 0, 0, 0];
    this.#offsets = position?.run === run ? [...position.offsets] : [0, 0, 0, 0];
  }

  #line(
    run: number,
    stream: Stream,
    text: string,
    at: { readonly offsets: LogOffsets; readonly partial: boolean },
  ): LogLine {
    const line = { t: this.#now().toISOString(), r: run, s: stream, l: text, o: at.offsets };
    return at.partial ? { ...line, p: true } : line;
  }

  #giveBack(run: number): void {
    if (!this.#punchHole) return;
    for (const [index, stream] of STREAMS.entries()) {
      const end = this.#offsets[index] ?? 0;
      if (end - (this.#punched[index] ?? 0) < PUNCH_BYTES) continue;
      this.#log.sync();
      this.#punchHole(rawFile(this.#layout, run, stream), end);
      this.#punched[index] = end;
    }
  }
}

/** Names of the files whose change means new output; the log's own changes do not. */
export function isRawFile(name: string): boolean {
  return path.basename(name).startsWith('run-');
}

const slice = Buffer.allocUnsafe(SLICE_BYTES + LONGEST_PIECE);

/** The next bytes of a file; less than SLICE_BYTES at its end. Valid until the next call. */
function readSlice(file: string, start: number): Buffer {
  let handle: number;
  try {
    handle = fs.openSync(file, 'r');
  } catch (error) {
    ignoreErrno(error, 'ENOENT');
    return slice.subarray(0, 0);
  }
  try {
    const got = fs.readSync(handle, slice, 0, SLICE_BYTES, start);
    return slice.subarray(0, got);
  } finally {
    fs.closeSync(handle);
  }
}

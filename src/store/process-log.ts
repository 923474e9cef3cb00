import { errnoOf } from '../host/errno.ts';
import type { LogSettings } from '../project/project.ts';
import { LogFile } from './log-file.ts';
import { splitPieces } from './log-split.ts';
import type { LogLine } from './records.ts';

/** Room for the talk of days; nobody configures it. */
const SETTINGS: LogSettings = { maxBytes: 1024 * 1024, maxFiles: 3 };

export interface ProcessLogOptions {
  readonly settings?: LogSettings;
  readonly now?: () => Date;
}

/**
 * The log of a network process: what its helper prints and what it says itself, in the form of a machine's log, so that
 * one reader is enough for both. Writes at once, and never throws for a disk that is full or gone: a network goes on
 * without its log, and the log says how much is missing.
 */
export class ProcessLog {
  readonly #log: LogFile;
  readonly #run: number;
  readonly #now: () => Date;
  /** Output of the helper whose line has not ended yet. */
  #open: Buffer = Buffer.alloc(0);
  #lost = 0;

  constructor(file: string, run: number, options: ProcessLogOptions = {}) {
    this.#log = new LogFile(file, options.settings ?? SETTINGS);
    this.#run = run;
    this.#now = options.now ?? (() => new Date());
  }

  /** Takes in output of the helper, in whatever pieces it comes. */
  helper(bytes: Uint8Array): void {
    this.#take(Buffer.concat([this.#open, bytes]), false);
  }

  /** Takes in the last line of a helper that ended without a newline. */
  helperEnded(): void {
    this.#take(this.#open, true);
  }

  /** A message of the network process itself; one line. */
  say(text: string): void {
    this.#append([this.#line('network', text)]);
  }

  #take(bytes: Buffer, final: boolean): void {
    const pieces = splitPieces(bytes, final);
    this.#open = Buffer.from(bytes.subarray(pieces.at(-1)?.end ?? 0));
    this.#append(
      pieces.map(({ text, partial }) => ({ ...this.#line('helper', text), ...(partial && { p: true }) })),
    );
  }

  #append(lines: readonly LogLine[]): void {
    if (lines.length === 0) return;
    const lost = this.#lost === 0 ? [] : [this.#line('network', this.#lostText())];
    const all = [...lost, ...lines];
    try {
      this.#lost = all.length - this.#log.append(all);
    } catch (error) {
      if (errnoOf(error) === undefined) throw error;
      this.#lost += lines.length;
    }
  }

  #lostText(): string {
    const lines = this.#lost === 1 ? '1 line' : `${this.#lost} lines`;
    return `${lines} of this log could not be written`;
  }

  #line(stream: 'helper' | 'network', text: string): LogLine {
    return { t: this.#now().toISOString(), r: this.#run, s: stream, l: text, o: [0, 0, 0, 0] };
  }
}

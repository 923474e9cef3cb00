import { closeSync, constants, openSync, writeFileSync } from 'node:fs';
import { errnoOf } from '../host/errno.ts';
import type { LogLine } from './records.ts';

/** A FIFO that nobody reads must not stop the supervisor, nor a terminal become its own. */
const FLAGS =
  constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK | constants.O_NOCTTY;

/**
 * A file of the user's that gets all that a machine says, as plain text without times: its kernel, its command, libkrun.
 * It is a copy of the log and may lack some lines where the supervisor was killed, or the file could not be written.
 */
export class ConsoleFile {
  readonly #warn: (message: string) => void;
  #file: string | undefined;
  #hasFailed = false;

  constructor(file: string | undefined, warn: (message: string) => void) {
    this.#file = file;
    this.#warn = warn;
  }

  /** Sets the file for the next lines. */
  configure(file: string | undefined): void {
    this.#file = file;
    this.#hasFailed = false;
  }

  append(lines: readonly LogLine[]): void {
    const said = lines.filter(({ s }) => s !== 'helper' && s !== 'network');
    if (this.#file === undefined || said.length === 0) return;
    const text = said.map(({ l, p }) => (p ? l : `${l}\n`)).join('');
    try {
      append(this.#file, text);
      this.#hasFailed = false;
    } catch (error) {
      if (errnoOf(error) === undefined) throw error;
      if (!this.#hasFailed) this.#warn(`cannot write the console's log: ${(error as Error).message}`);
      this.#hasFailed = true;
    }
  }
}

function append(file: string, text: string): void {
  const handle = openSync(file, FLAGS, 0o600);
  try {
    writeFileSync(handle, text);
  } finally {
    closeSync(handle);
  }
}

import { fstatSync, openSync, writeSync } from 'node:fs';
import { readStatusFrom } from './status-file.ts';

/**
 * The status file of this process's own run, open from the start: a process that becomes another user may not open it
 * again.
 */
export class OpenStatus {
  readonly #handle: number;

  constructor(file: string) {
    this.#handle = openSync(file, 'a+', 0o600);
  }

  text(): string {
    return readStatusFrom(this.#handle);
  }

  add(line: string): void {
    writeSync(this.#handle, `${line}\n`);
  }

  /** Whether it was deleted, with all of the project's state. */
  isGone(): boolean {
    return fstatSync(this.#handle).nlink === 0;
  }
}

import fs from 'node:fs';
import { errnoOf } from '../host/errno.ts';
import { ChangeSignal } from '../host/change-signal.ts';
import type { Event } from '../plan/event.ts';

const NEWLINE = 0x0a;
const CHUNK_BYTES = 64 * 1024;

/** Reads the project's events as they are appended; goes on when the file is replaced. */
export class EventCursor {
  readonly #file: string;
  #handle: number | undefined;
  #inode = 0;
  #offset = 0;
  #rest: Buffer = Buffer.alloc(0);

  constructor(file: string) {
    this.#file = file;
  }

  /** Leaves out what is there now. */
  skipToEnd(): void {
    for (const _ of this.appended());
  }

  /** Events since the last call. */
  *appended(): Generator<Event> {
    if (this.#handle === undefined && !this.#open()) return;
    // Asked before reading: when the name has moved on by now, what is read below is the old file's end.
    const replaced = this.#isReplaced();
    yield* this.#read();
    if (!replaced) return;
    this.close();
    if (this.#open()) yield* this.#read();
  }

  close(): void {
    if (this.#handle !== undefined) fs.closeSync(this.#handle);
    this.#handle = undefined;
  }

  #open(): boolean {
    try {
      this.#handle = fs.openSync(this.#file, 'r');
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT' && errnoOf(error) !== 'ENOTDIR') throw error;
      return false;
    }
    this.#inode = fs.fstatSync(this.#handle).ino;
    this.#offset = 0;
    this.#rest = Buffer.alloc(0);
    return true;
  }

  *#read(): Generator<Event> {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    for (;;) {
      if (this.#handle === undefined) return;
      const got = fs.readSync(this.#handle, chunk, 0, CHUNK_BYTES, this.#offset);
      if (got === 0) return;
      this.#offset += got;
      const bytes = Buffer.concat([this.#rest, chunk.subarray(0, got)]);
      let start = 0;
      for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
        const event = parseEvent(bytes.toString('utf8', start, end));
        start = end + 1;
        if (event) yield event;
      }
      this.#rest = Buffer.from(bytes.subarray(start));
    }
  }

  #isReplaced(): boolean {
    try {
      const { ino, size } = fs.statSync(this.#file);
      return ino !== this.#inode || size < this.#offset;
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT' && errnoOf(error) !== 'ENOTDIR') throw error;
      return true;
    }
  }
}

/** Hands on events until the signal; the watched directory is the file's. */
export async function followEvents(
  cursor: EventCursor,
  directory: string,
  signal: AbortSignal,
  onEvent: (event: Event) => void,
): Promise<void> {
  const changes = new ChangeSignal();
  try {
    for (;;) {
      const last = signal.aborted;
      changes.watchOnly([directory]);
      for (const event of cursor.appended()) onEvent(event);
      if (last) return;
      await changes.next(signal);
    }
  } finally {
    changes.close();
  }
}

/** A line that a crash or a full disk cut off is passed over. */
function parseEvent(line: string): Event | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && 'type' in value ? (value as Event) : undefined;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}

import fs from 'node:fs';
import { ignoreErrno } from '../host/errno.ts';
import type { Event } from '../plan/event.ts';

const MAX_BYTES = 1024 * 1024;

/** Appends events to `events.jsonl`; at 1 MiB it becomes `events.jsonl.1`, and the one before that is dropped. */
export class EventLog {
  readonly #file: string;
  #size: number;
  /** Whether the file is known to end with a whole line. */
  #isClean: boolean;

  constructor(file: string) {
    this.#file = file;
    this.#size = fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    this.#isClean = this.#size === 0;
  }

  append(event: Event): void {
    // The first newline ends the half line that a killed supervisor, or a full disk, may have left.
    const line = Buffer.from(`${this.#isClean ? '' : '\n'}${JSON.stringify(event)}\n`);
    if (this.#size > 0 && this.#size + line.length > MAX_BYTES) {
      fs.renameSync(this.#file, `${this.#file}.1`);
      this.#size = 0;
    }
    this.#isClean = false;
    fs.appendFileSync(this.#file, line, { mode: 0o600 });
    this.#isClean = true;
    this.#size += line.length;
  }
}

/** Recorded events, the oldest first. */
export function readEvents(file: string): readonly Event[] {
  return [`${file}.1`, file].flatMap((part) => {
    let text: string;
    try {
      text = fs.readFileSync(part, 'utf8');
    } catch (error) {
      ignoreErrno(error, 'ENOENT');
      return [];
    }
    return text.split('\n').flatMap(parseEvent);
  });
}

/** A supervisor that was killed while writing leaves half a line. */
function parseEvent(line: string): readonly Event[] {
  if (line === '') return [];
  try {
    return [JSON.parse(line) as Event];
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

import { write } from 'node:fs';
import { ReadStream } from 'node:tty';
import { errnoOf } from '../host/errno.ts';

/** How long to wait where a terminal's input is full: nothing tells when that ends. */
const FULL_RETRY_MS = 20;

/** The host's end of a terminal of the guest. Opened with the first use. */
export class TerminalEnd {
  readonly index: number;
  readonly #master: number;
  #reader: ReadStream | undefined;
  #onData: ((chunk: Buffer) => void) | undefined;
  readonly #queue: { bytes: Buffer; readonly done: () => void }[] = [];

  constructor(index: number, master: number) {
    this.index = index;
    this.#master = master;
  }

  get isFree(): boolean {
    return this.#onData === undefined;
  }

  use(onData: (chunk: Buffer) => void): void {
    this.#onData = onData;
    if (this.#reader) return this.resume();
    this.#reader = new ReadStream(this.#master);
    this.#reader.on('data', (chunk) => this.#onData?.(chunk));
  }

  release(): void {
    this.#onData = undefined;
    this.resume();
  }

  pause(): void {
    this.#reader?.pause();
  }

  resume(): void {
    this.#reader?.resume();
  }

  /** Not through a stream: Node writes to masters so that its event loop waits for the guest. */
  write(bytes: Buffer, done: () => void = () => undefined): void {
    this.#queue.push({ bytes, done });
    if (this.#queue.length === 1) this.#writeNext();
  }

  #writeNext(): void {
    const [first] = this.#queue;
    if (!first) return;
    write(this.#master, first.bytes, (error, written) => {
      if (error && errnoOf(error) !== 'EAGAIN') {
        process.stderr.write(`krun: cannot write to a terminal of the guest: ${error.message}\n`);
        first.bytes = Buffer.alloc(0);
      }
      first.bytes = first.bytes.subarray(written ?? 0);
      if (first.bytes.length > 0) {
        setTimeout(() => this.#writeNext(), error ? FULL_RETRY_MS : 0);
        return;
      }
      this.#queue.shift();
      first.done();
      this.#writeNext();
    });
  }
}

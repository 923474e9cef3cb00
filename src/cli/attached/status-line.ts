import { Writable } from 'node:stream';

const ERASE = '\r\u001b[K';

/** The last line of a terminal, out of the way of whatever else is written to it. */
export class StatusLine {
  readonly #terminal: NodeJS.WritableStream;
  readonly #columns: () => number;
  #text: string | undefined;
  #isDrawn = false;
  /** Somebody is in the middle of a line. */
  #isLineOpen = false;

  constructor(terminal: NodeJS.WritableStream, columns: () => number) {
    this.#terminal = terminal;
    this.#columns = columns;
  }

  /** Shows that text, or none. */
  set(text: string | undefined): void {
    this.#erase();
    this.#text = text;
    this.#draw();
  }

  /** Stands for a stream that goes to the same terminal. */
  wrap(stream: NodeJS.WritableStream): NodeJS.WritableStream {
    return new Writable({
      decodeStrings: false,
      write: (chunk: string | Buffer, _encoding, done) => {
        this.#erase();
        stream.write(chunk);
        if (chunk.length > 0) this.#isLineOpen = !chunk.toString().endsWith('\n');
        this.#draw();
        done();
      },
    });
  }

  #erase(): void {
    if (this.#isDrawn) this.#terminal.write(ERASE);
    this.#isDrawn = false;
  }

  #draw(): void {
    if (this.#text === undefined || this.#isLineOpen) return;
    // A line that is as wide as the terminal would be followed by another.
    const text = this.#text.slice(0, Math.max(0, this.#columns() - 1));
    this.#terminal.write(`\u001b[2m${text}\u001b[22m`);
    this.#isDrawn = true;
  }
}

import type { LogLine } from './records.ts';

/** Pieces of one line that are looked at together: some 4 MiB, so that a line without an end needs no endless memory. */
const MOST_PIECES = 256;

/** Lets whole lines through: what a long one was cut into is judged, and handed on, together. */
export class LineFilter<T> {
  readonly #matches: (text: string) => boolean;
  /** Lines that go on, by stream. */
  readonly #open = new Map<LogLine['s'], { text: string; pieces: T[] }>();

  constructor(matches: (text: string) => boolean) {
    this.#matches = matches;
  }

  /** What is wanted now that this piece is there. */
  push(line: LogLine, piece: T): readonly T[] {
    const { text, pieces } = this.#open.get(line.s) ?? { text: '', pieces: [] };
    const whole = { text: text + line.l, pieces: [...pieces, piece] };
    if (line.p && whole.pieces.length < MOST_PIECES) {
      this.#open.set(line.s, whole);
      return [];
    }
    this.#open.delete(line.s);
    return this.#matches(whole.text) ? whole.pieces : [];
  }
}

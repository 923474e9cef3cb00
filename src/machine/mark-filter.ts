/**
 * Finds the end of a stream that goes on with something else: a word that nobody who writes into the stream can know,
 * and that is the last thing written. Bytes that may be its beginning are held back until it is clear.
 */
export class MarkFilter {
  readonly #mark: Buffer;
  #held: Buffer = Buffer.alloc(0);

  constructor(mark: string) {
    this.#mark = Buffer.from(mark);
  }

  push(chunk: Buffer): { readonly data: Buffer; readonly isEnd: boolean } {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const held = this.#heldLength(bytes);
    this.#held = bytes.subarray(bytes.length - held);
    return { data: bytes.subarray(0, bytes.length - held), isEnd: held === this.#mark.length };
  }

  /** Length of the longest beginning of the mark with which the bytes end. */
  #heldLength(bytes: Buffer): number {
    const [first] = this.#mark;
    if (first === undefined) return 0;
    let at = bytes.indexOf(first, Math.max(0, bytes.length - this.#mark.length));
    while (at >= 0) {
      const length = bytes.length - at;
      if (bytes.subarray(at).equals(this.#mark.subarray(0, length))) return length;
      at = bytes.indexOf(first, at + 1);
    }
    return 0;
  }
}

/** Drops a stream up to a mark, and the mark. */
export class MarkSearch {
  readonly #mark: Buffer;
  #seen: Buffer = Buffer.alloc(0);

  constructor(mark: string) {
    this.#mark = Buffer.from(mark);
  }

  /** What follows the mark, once it has come. */
  push(chunk: Buffer): Buffer | undefined {
    const bytes = Buffer.concat([this.#seen, chunk]);
    const at = bytes.indexOf(this.#mark);
    if (at >= 0) return bytes.subarray(at + this.#mark.length);
    this.#seen = bytes.subarray(Math.max(0, bytes.length - this.#mark.length));
    return undefined;
  }
}

/** The last bytes of a stream, as many as are kept; older ones are dropped. */
export class RecentBytes {
  readonly #most: number;
  readonly #chunks: Buffer[] = [];
  #length = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get length(): number {
    return this.#length;
  }

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    while (this.#length > this.#most) {
      const first = this.#chunks[0] ?? chunk;
      const rest = first.subarray(Math.min(first.length, this.#length - this.#most));
      this.#length -= first.length - rest.length;
      if (rest.length > 0) this.#chunks[0] = rest;
      else this.#chunks.shift();
    }
  }

  /** All of them; none are kept any more. */
  take(): Buffer {
    this.#length = 0;
    return Buffer.concat(this.#chunks.splice(0));
  }

  /** Puts back what could not be used, in front. */
  putBack(bytes: Buffer): void {
    const later = this.take();
    this.add(bytes);
    if (later.length > 0) this.add(later);
  }
}

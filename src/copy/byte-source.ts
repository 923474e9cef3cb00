/** Chunks as they come, cut as they are wanted. */
export class ByteSource {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);
  #isAtEnd = false;

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Whether the end has been seen. */
  get isAtEnd(): boolean {
    return this.#isAtEnd;
  }

  /** Up to so many bytes, without copying; undefined at the end. */
  async some(most: number): Promise<Buffer | undefined> {
    while (this.#rest.length === 0) {
      const { done, value } = await this.#chunks.next();
      if (done) {
        this.#isAtEnd = true;
        return undefined;
      }
      this.#rest = value;
    }
    const chunk = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(chunk.length);
    return chunk;
  }

  /** Exactly so many bytes; undefined where the stream ends before. */
  async take(count: number): Promise<Buffer | undefined> {
    if (this.#rest.length >= count) {
      const chunk = this.#rest.subarray(0, count);
      this.#rest = this.#rest.subarray(count);
      return chunk;
    }
    const parts: Buffer[] = [];
    for (let missing = count; missing > 0;) {
      const part = await this.some(missing);
      if (part === undefined) return undefined;
      parts.push(part);
      missing -= part.length;
    }
    return Buffer.concat(parts);
  }

  /** Everything up to the mark, as a byte string; undefined where the stream ends before, or goes on for too long. */
  async through(mark: string, mostBytes: number): Promise<string | undefined> {
    let text = '';
    while (text.length < mostBytes) {
      const byte = await this.take(1);
      if (byte === undefined) return undefined;
      text += byte.toString('latin1');
      if (text.endsWith(mark)) return text.slice(0, -mark.length);
    }
    return undefined;
  }
}

import { HEADER_BYTES, MAX_FRAME_BYTES, PREFIX_BYTES, u32At } from './ethernet.ts';

/** Takes what a {@link FrameSplitter} finds. */
export interface FrameSink {
  /** A whole frame lies at [start, end) of `bytes`, its length prefix included; it may be kept but not changed. */
  frame(bytes: Buffer, start: number, end: number): void;
  /** Something too short to be a frame was left out. */
  runt(): void;
}

/**
 * Finds the frames in a stream that comes in chunks of any cut. Whole frames stay where they are; only one that is cut
 * is copied, so that it does not keep the chunk of its beginning in memory.
 */
export class FrameSplitter {
  readonly #prefix = Buffer.alloc(PREFIX_BYTES);
  /** Room for the frame that is cut; absent while its length is not known. */
  #cut: Buffer | undefined;
  #filled = 0;

  /** False: the peer sent a length that no frame has, so nothing after it can be understood. */
  push(chunk: Buffer, sink: FrameSink): boolean {
    let at = 0;
    if (this.#filled > 0) {
      at = this.#complete(chunk, sink);
      if (at < 0) return false;
    }
    const end = chunk.length;
    while (end - at >= PREFIX_BYTES) {
      const length = u32At(chunk, at);
      if (length > MAX_FRAME_BYTES) return false;
      const next = at + PREFIX_BYTES + length;
      if (next > end) break;
      if (length < HEADER_BYTES) sink.runt();
      else sink.frame(chunk, at, next);
      at = next;
    }
    return at === end || this.#keep(chunk, at) >= 0;
  }

  /** Goes on with the frame that the last chunk cut; tells how much of this one belonged to it, or -1. */
  #complete(chunk: Buffer, sink: FrameSink): number {
    const at = this.#keep(chunk, 0);
    const cut = this.#cut;
    if (at < 0 || cut === undefined || this.#filled < cut.length) return at;
    this.#cut = undefined;
    this.#filled = 0;
    if (cut.length < PREFIX_BYTES + HEADER_BYTES) sink.runt();
    else sink.frame(cut, 0, cut.length);
    return at;
  }

  /** Copies what belongs to the frame that is cut, and tells where that ends, or -1 where its length is not one. */
  #keep(chunk: Buffer, from: number): number {
    let at = from;
    if (this.#cut === undefined) {
      const copied = chunk.copy(this.#prefix, this.#filled, at, at + PREFIX_BYTES - this.#filled);
      at += copied;
      this.#filled += copied;
      if (this.#filled < PREFIX_BYTES) return at;
      const length = u32At(this.#prefix, 0);
      if (length > MAX_FRAME_BYTES) return -1;
      this.#cut = Buffer.allocUnsafe(PREFIX_BYTES + length);
      this.#prefix.copy(this.#cut);
    }
    const copied = chunk.copy(this.#cut, this.#filled, at, at + this.#cut.length - this.#filled);
    this.#filled += copied;
    return at + copied;
  }
}

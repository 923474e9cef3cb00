import { LONGEST_FRAME_BYTES } from './api.ts';

/** One frame of src/session/api.ts. */
export interface Frame {
  readonly kind: number;
  readonly payload: Buffer;
}

const HEADER_BYTES = 5;

/** A frame as bytes. The payload must not be longer than {@link LONGEST_FRAME_BYTES}. */
export function encodeFrame(kind: number, payload: Uint8Array | string = ''): Buffer {
  const bytes = Buffer.from(payload as Uint8Array);
  if (bytes.length > LONGEST_FRAME_BYTES) throw new Error(`a frame of ${bytes.length} bytes`);
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt8(kind, 0);
  header.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([header, bytes]);
}

/** The peer sent what is no frame. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}

/** Takes a stream of bytes apart, however it was cut on its way. */
export class FrameDecoder {
  #parts: Buffer[] = [];
  #bytes = 0;

  /** The frames that are whole now. Throws a {@link FrameError} for a longer one than there may be. */
  push(chunk: Buffer): readonly Frame[] {
    this.#parts.push(chunk);
    this.#bytes += chunk.length;
    const frames: Frame[] = [];
    while (this.#bytes >= HEADER_BYTES) {
      const header = this.#front(HEADER_BYTES);
      const length = header.readUInt32BE(1);
      if (length > LONGEST_FRAME_BYTES) throw new FrameError(`a frame of ${length} bytes`);
      if (this.#bytes < HEADER_BYTES + length) break;
      const whole = this.#take(HEADER_BYTES + length);
      frames.push({ kind: whole.readUInt8(0), payload: whole.subarray(HEADER_BYTES) });
    }
    return frames;
  }

  /** The first bytes as one piece; they stay. Joins no more than these, so that small pieces of a long frame stay cheap. */
  #front(length: number): Buffer {
    const [first] = this.#parts;
    if (first && first.length >= length) return first;
    let count = 0;
    let bytes = 0;
    for (const part of this.#parts) {
      count += 1;
      bytes += part.length;
      if (bytes >= length) break;
    }
    const joined = Buffer.concat(this.#parts.slice(0, count));
    this.#parts.splice(0, count, joined);
    return joined;
  }

  #take(length: number): Buffer {
    const front = this.#front(length);
    if (front.length === length) this.#parts.shift();
    else this.#parts[0] = front.subarray(length);
    this.#bytes -= length;
    return front.subarray(0, length);
  }
}

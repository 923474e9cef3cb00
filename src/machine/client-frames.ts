import type { Socket } from 'node:net';
import { finished } from 'node:stream';
import { FRAME, INPUT_WINDOW_BYTES, type SessionEnd, type TerminalSize } from '../session/api.ts';
import { encodeFrame, FrameDecoder, FrameError, type Frame } from '../session/frames.ts';

/** What a client's frames ask for. */
export interface ClientWishes {
  input(bytes: Buffer): void;
  inputEnd(): void;
  signal(name: string): void;
  resize(size: TerminalSize): void;
  /** It leaves, and what it started goes on. */
  detach(): void;
  /** It reads again. */
  resume(): void;
  /** It has gone. */
  gone(): void;
}

const SIGNAL = /^[A-Z0-9+-]{1,12}$/;
const MOST_ROWS = 10_000;

/** The machine's side of an accepted connection. */
export class ClientFrames {
  readonly #socket: Socket;
  readonly #decoder = new FrameDecoder();
  #wishes: ClientWishes | undefined;
  /** Input that has come and is not on its way to the guest. */
  #untaken = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  serve(wishes: ClientWishes): void {
    this.#wishes = wishes;
    this.#socket.on('data', (chunk) => this.#take(chunk));
    this.#socket.on('drain', () => wishes.resume());
    this.#socket.once('close', () => wishes.gone());
    this.#socket.resume();
  }

  started(): void {
    this.#send(FRAME.started);
  }

  output(kind: number, bytes: Buffer): boolean {
    return this.#send(kind, bytes);
  }

  taken(bytes: number): void {
    this.#untaken -= bytes;
    const payload = Buffer.alloc(4);
    payload.writeUInt32BE(bytes);
    this.#send(FRAME.taken, payload);
  }

  end(end: SessionEnd): void {
    this.#send(FRAME.end, JSON.stringify(end));
    this.#socket.end();
  }

  /** Resolves when what was sent lies in the socket, where the end of this process does not harm it, or has no reader. */
  sent(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#socket.writableEnded) finished(this.#socket, { readable: false }, () => resolve());
      else this.#socket.write('', () => resolve());
    });
  }

  #send(kind: number, payload?: Uint8Array | string): boolean {
    // Nobody is there to be waited for.
    if (!this.#socket.writable) return true;
    return this.#socket.write(encodeFrame(kind, payload));
  }

  #take(chunk: Buffer): void {
    try {
      for (const frame of this.#decoder.push(chunk)) this.#receive(frame);
    } catch (error) {
      if (!(error instanceof FrameError || error instanceof SyntaxError)) throw error;
      // What comes next cannot be known.
      this.#socket.destroy();
    }
  }

  #receive({ kind, payload }: Frame): void {
    switch (kind) {
      case FRAME.stdin:
        this.#untaken += payload.length;
        if (this.#untaken > INPUT_WINDOW_BYTES) throw new FrameError('more input than the window has');
        if (payload.length > 0) this.#wishes?.input(payload);
        return;
      case FRAME.stdinEnd:
        this.#wishes?.inputEnd();
        return;
      case FRAME.signal: {
        const name = payload.toString('latin1').replace(/^SIG/, '');
        if (!SIGNAL.test(name)) throw new FrameError('a signal without a name');
        this.#wishes?.signal(name);
        return;
      }
      case FRAME.resize:
        this.#wishes?.resize(sizeOf(JSON.parse(payload.toString('utf8'))));
        return;
      case FRAME.detach:
        this.#wishes?.detach();
        return;
      default:
      // A later version's; what it means is not for this one.
    }
  }
}

function sizeOf(value: unknown): TerminalSize {
  if (!isSize(value)) throw new FrameError('a size that is none');
  return value;
}

export function isSize(value: unknown): value is TerminalSize {
  const { rows, columns } = (value ?? {}) as Readonly<Record<string, unknown>>;
  return [rows, columns].every(
    (count) => Number.isInteger(count) && (count as number) >= 0 && (count as number) <= MOST_ROWS,
  );
}

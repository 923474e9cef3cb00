import type { Socket } from 'node:net';
import { Readable, Writable } from 'node:stream';
import { FRAME, INPUT_WINDOW_BYTES, LONGEST_FRAME_BYTES, type SessionEnd, type TerminalSize } from './api.ts';
import { encodeFrame, FrameDecoder, FrameError, type Frame } from './frames.ts';

type Done = (error?: Error | null) => void;

const LOST: SessionEnd = {
  exitCode: null,
  error: 'the connection to the machine was lost before the command had ended',
};

/** The client's end of a session on an accepted connection. */
export class ClientSession {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly started: Promise<void>;
  readonly end: Promise<SessionEnd>;
  readonly #socket: Socket;
  readonly #decoder = new FrameDecoder();
  #window = INPUT_WINDOW_BYTES;
  /** Goes on with input that waits for the window. */
  #onWindow: (() => void) | undefined;
  #isOver = false;
  /** Streams that wait to be read. */
  readonly #stalled: Set<Readable> = new Set();
  #start: () => void = () => undefined;
  #finish: (end: SessionEnd) => void = () => undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.started = new Promise((resolve) => (this.#start = resolve));
    this.end = new Promise((resolve) => (this.#finish = resolve));
    this.stdout = this.#output();
    this.stderr = this.#output();
    this.stdin = this.#input();
    socket.on('data', (chunk) => this.#take(chunk));
    socket.once('close', () => this.#over(LOST));
    socket.resume();
  }

  signal(name: string): void {
    this.#send(FRAME.signal, name.replace(/^SIG/, ''));
  }

  resize({ rows, columns }: TerminalSize): void {
    this.#send(FRAME.resize, JSON.stringify({ rows, columns }));
  }

  detach(): void {
    this.#send(FRAME.detach, '');
    this.close();
  }

  close(): void {
    this.#over({ exitCode: null, error: 'the session was closed before the command had ended' });
  }

  #send(kind: number, payload?: Uint8Array | string, done?: () => void): void {
    if (this.#isOver) done?.();
    else this.#socket.write(encodeFrame(kind, payload), () => done?.());
  }

  #input(): Writable {
    const stream = new Writable({
      write: (chunk: Buffer, _encoding, done) => this.#write(chunk, done),
      final: (done) => this.#send(FRAME.stdinEnd, '', done),
    });
    // Who pipes into it may be ended by its own source; the session is not.
    stream.on('error', () => undefined);
    return stream;
  }

  #write(chunk: Buffer, done: Done): void {
    if (this.#isOver) return done();
    if (chunk.length === 0) return done();
    if (this.#window === 0) {
      this.#onWindow = () => this.#write(chunk, done);
      return;
    }
    const length = Math.min(chunk.length, this.#window, LONGEST_FRAME_BYTES);
    this.#window -= length;
    this.#send(FRAME.stdin, chunk.subarray(0, length), () => this.#write(chunk.subarray(length), done));
  }

  #output(): Readable {
    const stream = new Readable({
      read: () => this.#release(stream),
      // Who looks at the beginning only lets the rest be dropped.
      destroy: (error, done) => {
        done(error);
        this.#release(stream);
      },
    });
    return stream;
  }

  /** Output has come that a stream has no room for. Not asked of its length: that is the old one while it is read. */
  #show(stream: Readable, bytes: Buffer): void {
    if (!stream.destroyed && !stream.push(bytes)) this.#stalled.add(stream);
  }

  #release(stream: Readable): void {
    this.#stalled.delete(stream);
    if (this.#stalled.size === 0) this.#socket.resume();
  }

  #take(chunk: Buffer): void {
    try {
      for (const frame of this.#decoder.push(chunk)) this.#receive(frame);
    } catch (error) {
      if (!(error instanceof FrameError || error instanceof SyntaxError)) throw error;
      this.#over({ exitCode: null, error: `the machine process sent ${error.message}` });
    }
    if (this.#stalled.size > 0) this.#socket.pause();
  }

  #receive({ kind, payload }: Frame): void {
    if (this.#isOver) return;
    switch (kind) {
      case FRAME.stdout:
        this.#show(this.stdout, payload);
        return;
      case FRAME.stderr:
        this.#show(this.stderr, payload);
        return;
      case FRAME.started:
        this.#start();
        return;
      case FRAME.taken:
        if (payload.length === 4) this.#window += payload.readUInt32BE(0);
        this.#continueInput();
        return;
      case FRAME.end:
        this.#over(JSON.parse(payload.toString('utf8')) as SessionEnd);
        return;
      default:
      // A later version's; what it means is not for this one.
    }
  }

  #over(end: SessionEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const stream of [this.stdout, this.stderr]) if (!stream.destroyed) stream.push(null);
    this.#continueInput();
    this.#start();
    this.#finish(end);
    // After the last signal is written; a machine process that is stopped does not keep this one.
    this.#socket.unref().destroySoon();
  }

  #continueInput(): void {
    const go = this.#onWindow;
    this.#onWindow = undefined;
    go?.();
  }
}

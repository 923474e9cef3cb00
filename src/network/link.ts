import type { Duplex } from 'node:stream';
import type { LinkCounters } from './api.ts';
import { MAX_FRAME_BYTES } from './ethernet.ts';
import { FrameSplitter, type FrameSink } from './frame-splitter.ts';
import { Outlet } from './outlet.ts';

/** What a link tells of. */
export interface LinkEvents {
  /** All frames of a chunk were given to the sink. */
  chunkDone(): void;
  /** The peer has gone; not called when the link was ended or replaced from this side. */
  down(reason: string | undefined): void;
}

/** One peer of the switch. Its connection may come, go and come again; the newest one wins. */
export class Link {
  readonly outlet: Outlet = new Outlet();
  readonly #sink: FrameSink;
  readonly #events: LinkEvents;
  #socket: Duplex | undefined;

  constructor(sink: FrameSink, events: LinkEvents) {
    this.#sink = sink;
    this.#events = events;
  }

  get connected(): boolean {
    return this.#socket !== undefined;
  }

  attach(socket: Duplex): void {
    this.end();
    // Its `close` has been, or goes out before anybody listens.
    if (socket.destroyed) {
      this.#events.down(undefined);
      return;
    }
    this.#socket = socket;
    this.outlet.connect(socket);
    const splitter = new FrameSplitter();
    let reason: string | undefined;
    socket.on('data', (chunk: Buffer) => {
      if (this.#socket !== socket) return;
      if (!splitter.push(chunk, this.#sink)) {
        reason ??= `it announced a frame of more than ${MAX_FRAME_BYTES} bytes`;
        socket.destroy();
      }
      this.#events.chunkDone();
    });
    socket.on('error', (error) => {
      reason ??= error.message;
    });
    // Half a connection is of no use.
    socket.on('end', () => socket.destroy());
    socket.on('close', () => {
      if (this.#socket !== socket) return;
      this.#forget();
      this.#events.down(reason);
    });
  }

  /** Ends the connection, if there is one; what it still sends is not looked at. */
  end(): void {
    const socket = this.#socket;
    this.#forget();
    socket?.destroy();
  }

  #forget(): void {
    this.#socket = undefined;
    this.outlet.connect(undefined);
  }
}

/** Counts what a peer sends. */
export class SentCounters {
  frames = 0;
  bytes = 0;
  dropped = 0;

  snapshot(): LinkCounters {
    return { frames: this.frames, bytes: this.bytes, dropped: this.dropped };
  }
}

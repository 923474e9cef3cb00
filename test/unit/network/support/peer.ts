import { Duplex } from 'node:stream';

/** A peer of the switch in memory: `socket` is what the switch holds, the rest is the other end. */
export interface Peer {
  readonly socket: Duplex;
  /** Whole frames, without prefixes, in the order in which they came. */
  readonly received: Buffer[];
  /** Bytes that came, of frames that are not whole yet. */
  readonly rest: () => Buffer;
  readonly send: (...frames: readonly Buffer[]) => void;
  readonly sendRaw: (bytes: Buffer) => void;
  /** Stops reading, as a machine does that is paused; going on takes what waited. */
  readonly pause: () => void;
  readonly resume: () => void;
  readonly leave: (error?: Error) => void;
  /** Number of writes that came: a write is a system call. */
  readonly writes: () => number;
}

export function createPeer(): Peer {
  const received: Buffer[] = [];
  let rest: Buffer = Buffer.alloc(0);
  let paused = false;
  let held: (() => void) | undefined;
  let writes = 0;
  const take = (chunks: readonly Buffer[], done: () => void): void => {
    const accept = (): void => {
      writes++;
      rest = Buffer.concat([rest, ...chunks]);
      while (rest.length >= 4 && rest.length >= 4 + rest.readUInt32BE(0)) {
        const end = 4 + rest.readUInt32BE(0);
        received.push(rest.subarray(4, end));
        rest = rest.subarray(end);
      }
      done();
    };
    if (paused) held = accept;
    else accept();
  };
  const socket = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, done) => take([chunk], done),
    writev: (chunks, done) => {
      take(
        chunks.map(({ chunk }) => chunk as Buffer),
        done,
      );
    },
  });
  return {
    socket,
    received,
    rest: () => rest,
    send: (...frames) => socket.push(Buffer.concat(frames.map(withPrefix))),
    sendRaw: (bytes) => socket.push(bytes),
    pause: () => {
      paused = true;
    },
    resume: () => {
      paused = false;
      const waiting = held;
      held = undefined;
      waiting?.();
    },
    leave: (error) => socket.destroy(error),
    writes: () => writes,
  };
}

export function withPrefix(frame: Buffer): Buffer {
  const prefix = Buffer.alloc(4);
  prefix.writeUInt32BE(frame.length);
  return Buffer.concat([prefix, frame]);
}

/** Lets all that is due happen: streams pass things on in turns of their own. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

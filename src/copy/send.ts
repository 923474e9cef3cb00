import type { Session } from './session.ts';

/** Small pieces go together: each write is a frame, and a frame has a price. */
const BATCH_BYTES = 256 * 1024;

type Pieces = Iterable<Buffer> | AsyncIterable<Buffer>;

/**
 * Sends the pieces to the command's input and ends it; stops early where the command ends, also while it waits for a
 * piece. What is asked for of the pieces is what the other side takes, so nothing piles up.
 */
export async function send({ stdin, end }: Session, pieces: Pieces): Promise<void> {
  let isOver = false;
  let wake: () => void = () => undefined;
  let stop: () => void = () => undefined;
  const over = new Promise<undefined>((resolve) => {
    stop = () => {
      isOver = true;
      wake();
      resolve(undefined);
    };
  });
  void end.then(stop);
  // The end of the session says why.
  stdin.on('error', stop);
  stdin.on('close', stop);
  stdin.on('drain', () => wake());
  const source = batches(pieces);
  for (;;) {
    const next = await Promise.race([source.next(), over]);
    if (isOver || next === undefined) {
      // It may be waiting itself, so nobody waits for it.
      void source.return(undefined);
      return;
    }
    if (next.done) break;
    if (stdin.write(next.value)) continue;
    await new Promise<void>((resolve) => {
      wake = resolve;
      if (isOver) resolve();
    });
  }
  stdin.end();
}

async function* batches(pieces: Pieces): AsyncGenerator<Buffer> {
  const batch = new Batch();
  // Waiting for pieces that are there already would cost more than making them.
  if (Symbol.iterator in pieces) {
    for (const piece of pieces) if (batch.add(piece)) yield batch.take();
  } else {
    for await (const piece of pieces) if (batch.add(piece)) yield batch.take();
  }
  const rest = batch.take();
  if (rest.length > 0) yield rest;
}

class Batch {
  #pieces: Buffer[] = [];
  #bytes = 0;

  /** Whether that is enough for one go. */
  add(piece: Buffer): boolean {
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    return this.#bytes >= BATCH_BYTES;
  }

  take(): Buffer {
    const [only] = this.#pieces;
    const all = only !== undefined && this.#pieces.length === 1 ? only : Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#bytes = 0;
    return all;
  }
}

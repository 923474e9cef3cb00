import type { Duplex } from 'node:stream';
import type { LinkCounters } from './api.ts';
import { PREFIX_BYTES, u32At } from './ethernet.ts';

/**
 * What may wait for one destination, from all sources together; one source alone fills half of it, which is 8 ms at
 * 1 Gb/s. Between real TCPs, 1 to 16 MiB made no difference in throughput, while the delay grew with the queue.
 */
const QUEUE_BYTES = 2 * 1024 * 1024;
/** What one write hands to the socket, so that sources take turns at short intervals. */
const BATCH_BYTES = 128 * 1024;
/** A source's share of a turn. */
const QUANTUM_BYTES = 16 * 1024;
/** Memory of a waiting buffer beside its bytes, so that many small frames count for what they take. */
const OVERHEAD_BYTES = 256;
/** More pieces than this are cheaper copied than written one by one. */
const MAX_PIECES = 8;

/** Whoever sends frames: each has a queue of its own at each outlet. */
export type Source = object;

/** Frames that wait, of one source. */
interface Lane {
  readonly waiting: Buffer[];
  /** Index of the first that waits still. */
  next: number;
  /** Memory that is taken, overhead included. */
  cost: number;
  /** Bytes that may be sent in this turn. */
  credit: number;
}

/**
 * The way to one peer. It never blocks: what the peer does not read in time waits up to a limit, and is dropped and
 * counted beyond it. Sources take turns by bytes, and none can take more of the queue than what it leaves free, so one
 * that sends more than the peer reads delays and loses its own frames only.
 */
export class Outlet {
  #socket: Duplex | undefined;
  /** Something that was written is not yet the kernel's. */
  #busy = false;
  /** What the present chunk has for a socket that is free. */
  #fresh: Buffer[] = [];
  readonly #lanes = new Map<Source, Lane>();
  /** Sources whose lanes are not empty, the next one first. */
  #turns: Source[] = [];
  #cost = 0;
  #frames = 0;
  #bytes = 0;
  #dropped = 0;

  get counters(): LinkCounters {
    return { frames: this.#frames, bytes: this.#bytes, dropped: this.#dropped };
  }

  get open(): boolean {
    return this.#socket !== undefined;
  }

  connect(socket: Duplex | undefined): void {
    this.#socket = socket;
    this.#busy = false;
    this.#fresh = [];
    this.#lanes.clear();
    this.#turns = [];
    this.#cost = 0;
  }

  /** Takes a run of whole frames with their prefixes; tells how many frames of it were dropped. */
  put(source: Source, run: Buffer, frames: number): number {
    if (this.#socket === undefined) return this.#drop(frames);
    if (!this.#busy && this.#cost === 0) {
      this.#fresh.push(run);
      this.#count(frames, run.length);
      return 0;
    }
    const room = QUEUE_BYTES - this.#cost - (this.#lanes.get(source)?.cost ?? 0) - OVERHEAD_BYTES;
    const [fitting, whole] = run.length <= room ? [run.length, frames] : fit(run, room);
    if (whole > 0) this.#wait(source, fitting === run.length ? run : run.subarray(0, fitting));
    this.#count(whole, fitting);
    return this.#drop(frames - whole);
  }

  /** Hands over what the chunk had: one write for all of it. */
  flush(): void {
    if (this.#fresh.length === 0) return;
    const fresh = this.#fresh;
    this.#fresh = [];
    this.#write(fresh);
  }

  #wait(source: Source, run: Buffer): void {
    let lane = this.#lanes.get(source);
    if (lane === undefined) {
      lane = { waiting: [], next: 0, cost: 0, credit: 0 };
      this.#lanes.set(source, lane);
      this.#turns.push(source);
    }
    lane.waiting.push(run.length * 2 < run.buffer.byteLength ? detached(run) : run);
    lane.cost += run.length + OVERHEAD_BYTES;
    this.#cost += run.length + OVERHEAD_BYTES;
  }

  #write(pieces: readonly Buffer[]): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    const [first, ...more] = pieces.length > MAX_PIECES ? [Buffer.concat(pieces)] : pieces;
    if (more.length > 0) socket.cork();
    socket.write(first, this.#written);
    for (const piece of more) socket.write(piece);
    if (more.length > 0) socket.uncork();
    this.#busy = socket.writableLength > 0;
  }

  readonly #written = (): void => {
    const socket = this.#socket;
    if (socket === undefined || socket.writableLength > 0) return;
    this.#busy = false;
    const batch = this.#nextBatch();
    if (batch.length > 0) this.#write(batch);
  };

  /** Deficit round robin: a source that waits with large runs gets no more than one with small ones. */
  #nextBatch(): Buffer[] {
    const batch: Buffer[] = [];
    let bytes = 0;
    while (bytes < BATCH_BYTES) {
      const source = this.#turns.shift();
      const lane = source && this.#lanes.get(source);
      if (source === undefined || lane === undefined) break;
      lane.credit += QUANTUM_BYTES;
      for (;;) {
        const run = lane.waiting[lane.next];
        if (run === undefined || run.length > lane.credit) break;
        lane.next++;
        lane.credit -= run.length;
        lane.cost -= run.length + OVERHEAD_BYTES;
        this.#cost -= run.length + OVERHEAD_BYTES;
        bytes += run.length;
        batch.push(run);
      }
      if (lane.cost === 0) this.#lanes.delete(source);
      else {
        this.#turns.push(source);
        // What was sent must not stay reachable.
        lane.waiting.splice(0, lane.next);
        lane.next = 0;
      }
    }
    return batch;
  }

  #count(frames: number, bytes: number): void {
    this.#frames += frames;
    this.#bytes += bytes - frames * PREFIX_BYTES;
  }

  #drop(frames: number): number {
    this.#dropped += frames;
    return frames;
  }
}

/** A copy with memory of its own: a small run would keep the whole chunk that it is a part of, and Node's pool likewise. */
function detached(run: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(run.length);
  run.copy(copy);
  return copy;
}

/** The part of a run that fits: its length, and how many frames it has. */
function fit(run: Buffer, room: number): readonly [number, number] {
  let end = 0;
  let frames = 0;
  for (;;) {
    const next = end + PREFIX_BYTES + u32At(run, end);
    if (next > room || next > run.length) return [end, frames];
    end = next;
    frames++;
  }
}

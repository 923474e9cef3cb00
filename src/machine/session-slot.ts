import { Socket } from 'node:net';
import type { SlotEnds } from './console-ends.ts';

/** Takes what a slot's ports bring, as long as it has the slot. */
export interface SlotUser {
  onOutput(stream: 'stdout' | 'stderr', chunk: Buffer): void;
}

/** The host's ends of one slot's ports, which serve one session after the other. Opened with the first one. */
export class SessionSlot {
  readonly index: number;
  readonly #ends: SlotEnds;
  #input: Socket | undefined;
  #outputs: readonly Socket[] = [];
  #user: SlotUser | undefined;

  constructor(index: number, ends: SlotEnds) {
    this.index = index;
    this.#ends = ends;
  }

  get isFree(): boolean {
    return this.#user === undefined;
  }

  use(user: SlotUser): void {
    this.#user = user;
    if (this.#input) return;
    const { input, output, error } = this.#ends;
    this.#input = new Socket({ fd: input, readable: false, writable: true });
    // libkrun keeps its end for as long as this process lives; should it not, the session's end never comes.
    this.#input.on('error', () => undefined);
    this.#outputs = [this.#reader('stdout', output), this.#reader('stderr', error)];
  }

  release(): void {
    this.#user = undefined;
    this.resume();
  }

  /** Calls back when the guest's port has taken the bytes, or they wait in the pipe before it. */
  write(bytes: Buffer | string, done: () => void = () => undefined): void {
    this.#input?.write(bytes, () => done());
  }

  pause(): void {
    for (const socket of this.#outputs) socket.pause();
  }

  resume(): void {
    for (const socket of this.#outputs) socket.resume();
  }

  #reader(stream: 'stdout' | 'stderr', fd: number): Socket {
    const socket = new Socket({ fd, readable: true, writable: false });
    socket.on('data', (chunk) => this.#user?.onOutput(stream, chunk));
    return socket;
  }
}

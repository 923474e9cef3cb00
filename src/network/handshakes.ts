import { u16At } from './ethernet.ts';
import { ipv4HeaderBytes } from './ipv4-frame.ts';

const TCP = 6;
const TCP_HEADER_BYTES = 20;
const SYN_AND_ACK = 0x12;

/** Sees a guest accept TCP connections from the gateway. */
export class Handshakes {
  readonly #waiting = new Map<number, Set<() => void>>();

  /** Whether anybody wants to know: frames are looked at only then. */
  get isAwaited(): boolean {
    return this.#waiting.size > 0;
  }

  /** Takes in an IPv4 packet of the guest to the gateway, at [at, end). */
  see(bytes: Uint8Array, at: number, end: number): void {
    const header = ipv4HeaderBytes(bytes, at, end);
    const tcp = at + header;
    if (header === 0 || bytes[at + 9] !== TCP || end - tcp < TCP_HEADER_BYTES) return;
    if (((bytes[tcp + 13] ?? 0) & SYN_AND_ACK) !== SYN_AND_ACK) return;
    for (const accepted of this.#waiting.get(u16At(bytes, tcp)) ?? []) accepted();
  }

  /** Calls back with each connection that the guest's port accepts; returns the function that ends that. */
  onAccept(port: number, accepted: () => void): () => void {
    const waiting = this.#waiting.get(port) ?? new Set();
    waiting.add(accepted);
    this.#waiting.set(port, waiting);
    return () => {
      waiting.delete(accepted);
      if (waiting.size === 0) this.#waiting.delete(port);
    };
  }
}

import { writeSync } from 'node:fs';
import type { ProcessEnd } from './process-end.ts';

/** How the guest of this process can be asked to shut down, and ended. */
export interface Stopper {
  /** Whether there is a way to ask. */
  readonly canAsk: boolean;
  isStopping(): boolean;
  ask(): void;
  /** Ends the machine as if its power failed, with exit code 0: it was asked for. */
  end(): void;
}

/** What reaches the guest. */
export type StopWay =
  /** libkrun's descriptor on macOS: the guest sees its restart key pressed. */
  | { readonly kind: 'event'; readonly fd: number }
  /** krun's listener in the guest, which presses Ctrl-Alt-Del for its init. */
  | { readonly kind: 'port'; readonly fd: number };

/** What an event descriptor counts. */
const ONE: Uint8Array = new Uint8Array(BigUint64Array.of(1n).buffer);
const LINE: Uint8Array = Buffer.from('stop\n');

/** Stops by the way that exists when it is asked; there may be none. */
export function createStopper(way: () => StopWay | undefined, end: ProcessEnd): Stopper {
  let isStopping = false;
  return {
    get canAsk() {
      return way() !== undefined;
    },
    isStopping: () => isStopping,
    ask() {
      const found = way();
      if (!found) return;
      isStopping = true;
      writeSync(found.fd, found.kind === 'event' ? ONE : LINE);
    },
    end: () => end.exit(0),
  };
}

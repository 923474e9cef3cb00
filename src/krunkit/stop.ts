import { writeSync } from 'node:fs';
import type { VmControl } from '../machine/vm-rest.ts';
import type { ProcessEnd } from './process-end.ts';

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
export function createStopper(way: () => StopWay | undefined, end: ProcessEnd): Omit<VmControl, 'inspect'> {
  let isStopping = false;
  return {
    canStop: () => way() !== undefined,
    isStopping: () => isStopping,
    stop() {
      const found = way();
      if (!found) return;
      isStopping = true;
      writeSync(found.fd, found.kind === 'event' ? ONE : LINE);
    },
    // As if its power failed, with exit code 0: it was asked for.
    hardStop: () => end.exit(0),
  };
}

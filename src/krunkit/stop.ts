import type { VmControl } from '../machine/vm-rest.ts';
import type { ProcessEnd } from './process-end.ts';

/** Stops by the way that exists when it is asked; there may be none. */
export function createStopper(
  way: () => (() => void) | undefined,
  end: ProcessEnd,
): Omit<VmControl, 'inspect'> {
  let isStopping = false;
  return {
    canStop: () => way() !== undefined,
    isStopping: () => isStopping,
    stop() {
      const ask = way();
      if (!ask) return;
      isStopping = true;
      ask();
    },
    // As if its power failed, with exit code 0: it was asked for.
    hardStop: () => end.exit(0),
  };
}

import { errnoOf } from '../host/errno.ts';
import { koffi } from '../host/koffi.ts';

/** The end of a process that may have a machine in it, which `process.exit` would wait for. */
export interface ProcessEnd {
  /** Registers something to be undone before any end that this process brings about itself. */
  undo(act: () => void): void;
  /** Undoes everything, once. */
  undoAll(): void;
  /** Undoes everything and ends the process at once, with an exit code. */
  exit(code: number): void;
  /** Undoes everything and ends the process as the signal does by itself. */
  die(signal: NodeJS.Signals): void;
}

/** Binds _exit(2) now, so that the end needs nothing more. */
export function createProcessEnd(): ProcessEnd {
  const exitNow = koffi().load(null).func('void _exit(int code)') as (code: number) => void;
  const acts: (() => void)[] = [];

  function undoAll(): void {
    for (const act of acts.splice(0).toReversed()) {
      try {
        act();
      } catch (error) {
        // What the system does not let us remove is left: the end must come.
        if (errnoOf(error) === undefined) throw error;
      }
    }
  }

  return {
    undo: (act) => acts.push(act),
    undoAll,
    exit(code) {
      undoAll();
      exitNow(code);
    },
    die(signal) {
      undoAll();
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
    },
  };
}

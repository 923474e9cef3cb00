import type { ReadStream, WriteStream } from 'node:tty';
import type { TerminalSize } from '../../session/api.ts';
import type { Context } from '../context.ts';

/** The terminal that krun runs in, as far as a guest's terminal is shown in it. */
export interface Terminal {
  readonly size: TerminalSize;
  /** Hands every key to the guest. Node gives the terminal back at any end of the process but SIGKILL. */
  enter(): void;
  leave(): void;
  /** Calls back with each new size; returns the function that ends that. */
  onResize(listener: (size: TerminalSize) => void): () => void;
}

const USUAL_SIZE: TerminalSize = { rows: 24, columns: 80 };

/** Whether a person sits at both ends: keys come from a terminal, and output goes to one. */
export function isInteractive({ stdin, stdout }: Context): boolean {
  return stdin.isTTY === true && stdout.isTty;
}

/** krun's own terminal, or one that is only imagined where `-t` asks for it and there is none. */
export function ownTerminal(context: Context): Terminal {
  const { stdin, stdout } = context;
  const keys = stdin.isTTY === true ? (stdin as ReadStream) : undefined;
  const screen = stdout.isTty ? (stdout.stream as WriteStream) : undefined;
  const size = (): TerminalSize => sizeOf(screen);
  return {
    get size() {
      return size();
    },
    enter: () => void keys?.setRawMode(true),
    leave: () => void keys?.setRawMode(false),
    onResize(listener) {
      const changed = (): void => listener(size());
      screen?.on('resize', changed);
      return () => screen?.off('resize', changed);
    },
  };
}

/** A terminal may say that it has no rows and columns, as those of some CI systems do. */
function sizeOf(screen: WriteStream | undefined): TerminalSize {
  if (!screen || !(screen.rows > 0) || !(screen.columns > 0)) return USUAL_SIZE;
  return { rows: screen.rows, columns: screen.columns };
}

import { closeSync } from 'node:fs';
import { koffi } from '../host/koffi.ts';
import { systemError } from '../host/libc.ts';
import { openPty } from '../host/pty.ts';

const TCSANOW = 0;
/** More than `struct termios` has anywhere. */
const TERMIOS_BYTES = 256;
interface TerminalCalls {
  readonly dup2: (from: number, to: number) => number;
  readonly tcgetattr: (fd: number, termios: Uint8Array) => number;
  readonly tcsetattr: (fd: number, when: number, termios: Uint8Array) => number;
}

/**
 * Makes the standard streams fit for libkrun's own console, and returns what restores the terminal, which
 * libkrun puts into raw mode and restores only where the guest ends by itself. That it lets descriptors no
 * longer block is no business of the shell's: Node opens terminals anew, in the place of those that it was
 * started with. On Linux libkrun takes SIGINT over where standard input is no terminal, so `silent` gives it
 * one that nobody types at.
 */
export function takeTerminal({ silent }: { readonly silent: boolean }): () => void {
  const { dup2, tcgetattr, tcsetattr } = bind();
  // Asking a stream makes it, and opens its terminal.
  const terminals = [process.stdin, process.stdout, process.stderr].map(({ isTTY }) => isTTY);
  const terminal = terminals.indexOf(true);
  const termios = new Uint8Array(TERMIOS_BYTES);
  const isSaved = terminal !== -1 && tcgetattr(terminal, termios) === 0;
  if (silent && !terminals[0]) {
    const { slave } = openPty(process.stdout.rows ?? 24, process.stdout.columns ?? 80);
    if (dup2(slave, 0) < 0) throw systemError('dup2');
    closeSync(slave);
  }
  return () => {
    if (isSaved) tcsetattr(terminal, TCSANOW, termios);
  };
}

/** Other commands end when nobody reads what they say; a machine shall run on. */
export function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.removeAllListeners('error').on('error', () => undefined);
}

function bind(): TerminalCalls {
  const library = koffi().load(null);
  return {
    dup2: library.func('int dup2(int from, int to)'),
    tcgetattr: library.func('int tcgetattr(int fd, _Out_ uint8_t *termios)'),
    tcsetattr: library.func('int tcsetattr(int fd, int when, const uint8_t *termios)'),
  };
}

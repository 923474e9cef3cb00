import { closeSync, constants, openSync } from 'node:fs';
import { isatty } from 'node:tty';
import { ignoreErrno } from '../host/errno.ts';
import { koffi } from '../host/koffi.ts';
import { openPty } from '../host/pty.ts';

const STANDARD = [0, 1, 2] as const;
const TCSANOW = 0;
/** More than `struct termios` has anywhere. */
const TERMIOS_BYTES = 256;
/** A file that the process may have lost its right to since it was opened: behind `su`, in another mount namespace. */
const CANNOT_REOPEN = ['EACCES', 'EPERM', 'ENOENT', 'ENXIO', 'EIO'] as const;

interface TerminalCalls {
  readonly ttyname: (fd: number) => string | null;
  readonly dup2: (from: number, to: number) => number;
  readonly tcgetattr: (fd: number, termios: Uint8Array) => number;
  readonly tcsetattr: (fd: number, when: number, termios: Uint8Array) => number;
}

/**
 * Makes the standard streams fit for libkrun's own console, and returns what restores the terminal. libkrun puts a
 * terminal into raw mode and restores it only where the guest ends by itself; and it lets its descriptors no longer
 * block, which the shell would share, were they not opened anew. On Linux it takes SIGINT over where standard input is
 * no terminal, so `silent` gives it one that nobody types at.
 */
export function takeTerminal({ silent }: { readonly silent: boolean }): () => void {
  const { ttyname, dup2, tcgetattr, tcsetattr } = bind();
  for (const fd of STANDARD) {
    const name = isatty(fd) ? ttyname(fd) : null;
    if (name !== null) replace(dup2, fd, () => openSync(name, constants.O_RDWR | constants.O_NOCTTY));
  }
  const terminal = STANDARD.find((fd) => isatty(fd));
  const termios = new Uint8Array(TERMIOS_BYTES);
  const isSaved = terminal !== undefined && tcgetattr(terminal, termios) === 0;
  if (silent && !isatty(0))
    replace(dup2, 0, () => openPty(process.stdout.rows ?? 24, process.stdout.columns ?? 80).slave);
  return () => {
    if (isSaved) tcsetattr(terminal, TCSANOW, termios);
  };
}

function bind(): TerminalCalls {
  const library = koffi().load(null);
  return {
    ttyname: library.func('const char *ttyname(int fd)'),
    dup2: library.func('int dup2(int from, int to)'),
    tcgetattr: library.func('int tcgetattr(int fd, _Out_ uint8_t *termios)'),
    tcsetattr: library.func('int tcsetattr(int fd, int when, const uint8_t *termios)'),
  };
}

function replace(dup2: TerminalCalls['dup2'], fd: number, open: () => number): void {
  try {
    const opened = open();
    if (dup2(opened, fd) < 0) throw new Error(`dup2 to descriptor ${fd} failed`);
    closeSync(opened);
  } catch (error) {
    // The stream stays what it is.
    ignoreErrno(error, ...CANNOT_REOPEN);
  }
}

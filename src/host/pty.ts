import { koffi } from './koffi.ts';
import { closeOnExec, systemError } from './libc.ts';

/** Both ends of a pseudo terminal. */
export interface Pty {
  /** Does not block: reads and writes that would fail with EAGAIN. */
  readonly master: number;
  /** In raw mode: bytes go through as they are. */
  readonly slave: number;
}

const F_GETFL = 3;
const F_SETFL = 4;
const O_NONBLOCK = process.platform === 'linux' ? 0x800 : 4;
const TCSANOW = 0;
/** More than `struct termios` has anywhere. */
const TERMIOS_BYTES = 256;

interface PtyCalls {
  readonly openpty: (
    ...of: readonly [master: [number], slave: [number], name: null, termios: null, size: Uint8Array]
  ) => number;
  readonly ttyname: (fd: number) => string | null;
  readonly tcgetattr: (fd: number, termios: Uint8Array) => number;
  readonly cfmakeraw: (termios: Uint8Array) => void;
  readonly tcsetattr: (fd: number, when: number, termios: Uint8Array) => number;
  readonly fcntl: (fd: number, command: number, kind: 'int', value: number) => number;
}

let bound: PtyCalls | undefined;

function calls(): PtyCalls {
  if (bound) return bound;
  const library = koffi().load(null);
  bound = {
    openpty: openptyLibrary().func(
      'int openpty(_Out_ int *master, _Out_ int *slave, void *name, void *termios, void *size)',
    ),
    ttyname: library.func('const char *ttyname(int fd)'),
    tcgetattr: library.func('int tcgetattr(int fd, _Out_ uint8_t *termios)'),
    cfmakeraw: library.func('void cfmakeraw(_Inout_ uint8_t *termios)'),
    tcsetattr: library.func('int tcsetattr(int fd, int when, const uint8_t *termios)'),
    fcntl: library.func('int fcntl(int fd, int command, ...)'),
  };
  return bound;
}

/** glibc has it in libc since 2.34, and in a library of its own before. */
function openptyLibrary(): ReturnType<ReturnType<typeof koffi>['load']> {
  const library = koffi().load(null);
  try {
    library.symbol('openpty');
    return library;
  } catch (error) {
    if (!String(error).includes('Cannot find')) throw error;
    return koffi().load('libutil.so.1');
  }
}

/** Makes a terminal of that size; throws the system's error. */
export function openPty(rows: number, columns: number): Pty {
  const { openpty, tcgetattr, cfmakeraw, tcsetattr, fcntl } = calls();
  const master: [number] = [-1];
  const slave: [number] = [-1];
  const size = new Uint8Array(Uint16Array.of(rows, columns, 0, 0).buffer);
  if (openpty(master, slave, null, null, size) !== 0) throw systemError('openpty');
  closeOnExec(master[0]);
  closeOnExec(slave[0]);
  const termios = new Uint8Array(TERMIOS_BYTES);
  if (tcgetattr(slave[0], termios) !== 0) throw systemError('tcgetattr');
  cfmakeraw(termios);
  if (tcsetattr(slave[0], TCSANOW, termios) !== 0) throw systemError('tcsetattr');
  const flags = fcntl(master[0], F_GETFL, 'int', 0);
  if (fcntl(master[0], F_SETFL, 'int', flags | O_NONBLOCK) !== 0) throw systemError('fcntl');
  return { master: master[0], slave: slave[0] };
}

/** Path of the device of a terminal's slave; throws the system's error. */
export function terminalName(slave: number): string {
  const name = calls().ttyname(slave);
  if (name === null) throw systemError('ttyname');
  return name;
}

import { koffi } from './koffi.ts';

type SocketOption = readonly [fd: number, level: number, name: number];

/** The few calls that Node does not offer, from the C library that the process is linked to. */
export interface Libc {
  readonly flock: (fd: number, operation: number) => number;
  readonly pipe: (fds: [number, number]) => number;
  /** For descriptors that Node does not know. */
  readonly close: (fd: number) => number;
  readonly socket: (family: number, type: number, protocol: number) => number;
  readonly socketpair: (family: number, type: number, protocol: number, fds: [number, number]) => number;
  readonly connect: (fd: number, address: Uint8Array, length: number) => number;
  readonly setsockopt: (...of: readonly [...SocketOption, value: Uint8Array, length: number]) => number;
  /** F_SETFD and its like: one number as third argument. */
  readonly fcntl: (fd: number, command: number, kind: 'int', value: number) => number;
  /** Requests that take the address of a structure. */
  readonly ioctl: (fd: number, request: number, kind: 'uint8_t *', structure: Uint8Array) => number;
  readonly send: (fd: number, bytes: Uint8Array, length: number, flags: number) => number;
  /** Waits on a thread of its own; negative results have no errno. */
  readonly recvLater: (fd: number, bytes: Uint8Array, flags: number) => Promise<number>;
}

let bound: Libc | undefined;

/** The C library; its functions are bound at the first use. */
export function libc(): Libc {
  if (bound) return bound;
  const library = koffi().load(null);
  const recv = library.func('long recv(int fd, void *bytes, size_t length, int flags)');
  bound = {
    flock: library.func('int flock(int fd, int operation)'),
    pipe: library.func('int pipe(_Out_ int *fds)'),
    close: library.func('int close(int fd)'),
    socket: library.func('int socket(int family, int type, int protocol)'),
    socketpair: library.func('int socketpair(int family, int type, int protocol, _Out_ int *fds)'),
    connect: library.func('int connect(int fd, const void *address, uint32_t length)'),
    setsockopt: library.func(
      'int setsockopt(int fd, int level, int name, const void *value, uint32_t length)',
    ),
    fcntl: library.func('int fcntl(int fd, int command, ...)'),
    ioctl: library.func('int ioctl(int fd, unsigned long request, ...)'),
    send: library.func('long send(int fd, const void *bytes, size_t length, int flags)'),
    recvLater: (fd, bytes, flags) =>
      new Promise((resolve, reject) => {
        recv.async(fd, bytes, bytes.length, flags, (error: Error | null, result: number) => {
          if (error) reject(error);
          else resolve(result);
        });
      }),
  };
  return bound;
}

/** What a call of the C library that has just failed left in errno, as Node's own errors say it. */
export function systemError(call: string, subject?: string): NodeJS.ErrnoException {
  const { errno, os } = koffi();
  const number = errno();
  const code = Object.entries(os.errno).find(([, value]) => value === number)?.[0] ?? `errno ${number}`;
  const message = `${code}: ${call}${subject === undefined ? '' : ` ${subject}`}`;
  return Object.assign(new Error(message), { code, errno: -number, syscall: call });
}

/** A pipe; what is written to `write` is read from `read`. Programs that are started do not get it. */
export function makePipe(): { readonly read: number; readonly write: number } {
  const fds: [number, number] = [-1, -1];
  if (libc().pipe(fds) !== 0) throw systemError('pipe');
  for (const fd of fds) closeOnExec(fd);
  return { read: fds[0], write: fds[1] };
}

const F_SETFD = 2;
const FD_CLOEXEC = 1;

/** Keeps a descriptor from programs that this process starts. */
export function closeOnExec(fd: number): void {
  if (libc().fcntl(fd, F_SETFD, 'int', FD_CLOEXEC) !== 0) throw systemError('fcntl');
}

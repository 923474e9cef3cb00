import { koffi } from './koffi.ts';

export interface Libc {
  readonly flock: (fd: number, operation: number) => number;
  readonly pipe: (fds: [number, number]) => number;
}

let bound: Libc | undefined;

/** The few calls that Node does not offer, from the C library that the process is linked to. */
export function libc(): Libc {
  if (bound) return bound;
  const library = koffi().load(null);
  bound = {
    flock: library.func('int flock(int fd, int operation)'),
    pipe: library.func('int pipe(_Out_ int *fds)'),
  };
  return bound;
}

/** A pipe; what is written to `write` is read from `read`. */
export function makePipe(): { readonly read: number; readonly write: number } {
  const fds: [number, number] = [-1, -1];
  if (libc().pipe(fds) !== 0) throw new Error(`cannot make a pipe: errno ${koffi().errno()}`);
  return { read: fds[0], write: fds[1] };
}

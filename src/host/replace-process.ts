import { koffi } from './koffi.ts';
import { libc } from './libc.ts';

const F_SETFD = 2;
const STANDARD_STREAMS = [0, 1, 2];

/**
 * execv(3): the program takes this process's place, with its number and environment, its standard streams and the named
 * open descriptors. Returns the errno of a failure, and nothing else ever.
 */
export function replaceProcess(
  program: string,
  args: readonly string[],
  descriptors: readonly number[],
): number {
  const { load, errno } = koffi();
  const execv = load(null).func('int execv(const char *path, const char **argv)') as (
    path: string,
    argv: readonly (string | null)[],
  ) => number;
  // Node marks all that it was started with to be closed here.
  for (const fd of [...STANDARD_STREAMS, ...descriptors]) libc().fcntl(fd, F_SETFD, 'int', 0);
  // koffi ends no list by itself.
  execv(program, [program, ...args, null]);
  return errno();
}

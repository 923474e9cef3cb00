import { closeSync, constants, openSync } from 'node:fs';
import { koffi } from './koffi.ts';

type Punch = (fd: number, end: number) => number;

// <linux/falloc.h>
const FALLOC_FL_KEEP_SIZE = 0x01;
const FALLOC_FL_PUNCH_HOLE = 0x02;
// <sys/fcntl.h> of macOS
const F_PUNCHHOLE = 99;
/** macOS wants whole blocks. */
const BLOCK_BYTES = 64 * 1024;

let bound: Punch | undefined;

/**
 * Gives the blocks of the first `end` bytes of a file back to the file system; its size stays and the range reads as
 * zeros. Nothing happens on a file system that cannot do it.
 */
export function punchHole(file: string, end: number): void {
  bound ??= process.platform === 'darwin' ? macosPunch() : linuxPunch();
  const fd = openSync(file, constants.O_RDWR);
  try {
    // The result is not looked at: the only harm of a refusal is a file that stays as big as it is.
    bound(fd, end - (end % BLOCK_BYTES));
  } finally {
    closeSync(fd);
  }
}

function linuxPunch(): Punch {
  const library = koffi().load(null);
  const fallocate: (fd: number, mode: number, offset: number, length: number) => number = library.func(
    'int fallocate(int fd, int mode, int64_t offset, int64_t length)',
  );
  return (fd, end) => fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, end);
}

function macosPunch(): Punch {
  const { load, struct, pointer } = koffi();
  const range = struct('fpunchhole_t', {
    fp_flags: 'uint32_t',
    reserved: 'uint32_t',
    fp_offset: 'int64_t',
    fp_length: 'int64_t',
  });
  // fcntl is variadic, and arm64 passes variadic arguments differently: `...` keeps koffi's calling convention right.
  const fcntl: (fd: number, command: number, type: unknown, argument: object) => number = load(null).func(
    'int fcntl(int fd, int command, ...)',
  );
  const type = pointer(range);
  return (fd, end) =>
    fcntl(fd, F_PUNCHHOLE, type, { fp_flags: 0, reserved: 0, fp_offset: 0, fp_length: end });
}

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { ignoreErrno } from './errno.ts';

const TAIL_BYTES = 64 * 1024;

/** What `read` makes of an open file; empty where there is none. */
export function textFrom(file: string, read: (handle: number) => string): string {
  let handle: number;
  try {
    handle = openSync(file, 'r');
  } catch (error) {
    ignoreErrno(error, 'ENOENT');
    return '';
  }
  try {
    return read(handle);
  } finally {
    closeSync(handle);
  }
}

/** End of a file as text; empty where there is none. */
export function tailOf(file: string): string {
  return textFrom(file, (handle) => {
    const { size } = fstatSync(handle);
    const length = Math.min(size, TAIL_BYTES);
    return textAt(handle, size - length, length);
  });
}

/** Text of so many bytes of an open file, or of fewer where it ends. */
export function textAt(handle: number, position: number, length: number): string {
  const bytes = Buffer.alloc(length);
  return bytes.toString('utf8', 0, readSync(handle, bytes, 0, length, position));
}

/** The last of a text that grows, as long as {@link tailOf} gives. */
export function keepTail(text: string): string {
  return text.slice(-TAIL_BYTES);
}

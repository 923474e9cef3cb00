import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { ignoreErrno } from './errno.ts';

const TAIL_BYTES = 64 * 1024;

/** End of a file as text; empty where there is none. */
export function tailOf(file: string): string {
  let handle: number;
  try {
    handle = openSync(file, 'r');
  } catch (error) {
    ignoreErrno(error, 'ENOENT');
    return '';
  }
  try {
    const { size } = fstatSync(handle);
    const bytes = Buffer.alloc(Math.min(size, TAIL_BYTES));
    const got = readSync(handle, bytes, 0, bytes.length, size - bytes.length);
    return bytes.toString('utf8', 0, got);
  } finally {
    closeSync(handle);
  }
}

/** The last of a text that grows, as long as {@link tailOf} gives. */
export function keepTail(text: string): string {
  return text.slice(-TAIL_BYTES);
}

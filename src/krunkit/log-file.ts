import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** What is read of a log: libkrun says little before it refuses a machine. */
const MOST_BYTES = 1024 * 1024;

/** The file that libkrun's log is appended to. */
export interface LogFile {
  readonly fd: number;
  /** What has been said since it was opened; earlier machines may have written before that. */
  read(): string;
}

/** Opens a log for libkrun; throws the system's error. */
export function openLogFile(file: string): LogFile {
  const fd = openSync(file, 'a');
  const start = fstatSync(fd).size;
  return { fd, read: () => readFrom(file, start) };
}

/** Empty for a terminal or a pipe, which have no size. */
function readFrom(file: string, start: number): string {
  const handle = openSync(file, 'r');
  try {
    const length = Math.min(fstatSync(handle).size - start, MOST_BYTES);
    if (length <= 0) return '';
    const bytes = Buffer.alloc(length);
    return bytes.toString('utf8', 0, readSync(handle, bytes, 0, length, start));
  } finally {
    closeSync(handle);
  }
}

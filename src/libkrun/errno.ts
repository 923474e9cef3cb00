import type { LibkrunFunction } from '../vm/functions.ts';
import { GENERAL, MEANINGS, UNKNOWN, type Meaning } from './errno-meanings.ts';

/** A refused libkrun call, in words. */
export interface KrunFailure extends Meaning {
  readonly call: LibkrunFunction;
  /** Name of the negative result, such as `EINVAL`; `errno 200` for an unknown one. */
  readonly errno: string;
  /** The errno's number on this system, positive. */
  readonly number: number;
}

const COMMON: Readonly<Record<number, string>> = {
  1: 'EPERM',
  2: 'ENOENT',
  5: 'EIO',
  9: 'EBADF',
  12: 'ENOMEM',
  13: 'EACCES',
  16: 'EBUSY',
  17: 'EEXIST',
  19: 'ENODEV',
  20: 'ENOTDIR',
  21: 'EISDIR',
  22: 'EINVAL',
  24: 'EMFILE',
  25: 'ENOTTY',
  28: 'ENOSPC',
};
/** libkrun returns the numbers of the system that it runs on, and these differ. */
const LINUX: Readonly<Record<number, string>> = {
  36: 'ENAMETOOLONG',
  95: 'EOPNOTSUPP',
  98: 'EADDRINUSE',
  114: 'EALREADY',
};
const MACOS: Readonly<Record<number, string>> = {
  37: 'EALREADY',
  45: 'ENOTSUP',
  48: 'EADDRINUSE',
  63: 'ENAMETOOLONG',
  102: 'EOPNOTSUPP',
};

/** Turns a negative result into words; `os` decides what the number means. */
export function krunError(call: LibkrunFunction, result: number, os: string): KrunFailure {
  const number = -result;
  const errno = COMMON[number] ?? (os === 'darwin' ? MACOS : LINUX)[number] ?? `errno ${number}`;
  const known = errno === 'ENOTSUP' ? 'EOPNOTSUPP' : errno;
  const entry = MEANINGS[call]?.[known] ?? GENERAL[known] ?? UNKNOWN;
  return { call, errno, number, ...entry };
}

/** `libkrun could not build the virtual machine (krun_start_enter: EINVAL)`. */
export function krunErrorText(error: KrunFailure): string {
  return `${error.meaning} (${error.call}: ${error.errno})`;
}

import { closeSync, constants, openSync } from 'node:fs';
import { libc, systemError } from './libc.ts';

const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;

/** Result of asking for a lock: an open file that holds it until it is closed, or nothing because somebody else has it. */
export type LockAttempt = { readonly held: true; readonly fd: number } | { readonly held: false };

/**
 * Takes a flock(2) lock without waiting. The lock belongs to the returned file descriptor: it ends with
 * `closeSync(fd)` or with the process, whatever ends it. Throws the system's error where the file cannot be opened.
 */
export function tryLock(file: string, mode: 'exclusive' | 'shared', create = false): LockAttempt {
  const flags = constants.O_RDONLY | (create ? constants.O_CREAT : 0);
  // Node opens files close-on-exec, so no child inherits the lock.
  const fd = openSync(file, flags, 0o600);
  const result = libc().flock(fd, (mode === 'exclusive' ? LOCK_EX : LOCK_SH) | LOCK_NB);
  if (result === 0) return { held: true, fd };
  const error = systemError('flock', file);
  closeSync(fd);
  if (error.code === 'EWOULDBLOCK' || error.code === 'EAGAIN') return { held: false };
  throw error;
}

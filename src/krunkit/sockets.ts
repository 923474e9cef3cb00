import { fstatSync, lstatSync, statSync, unlinkSync } from 'node:fs';
import path from 'node:path';
import { errorDiagnostic, type Diagnostic } from '../base/diagnostic.ts';
import { errnoOf, ignoreErrno } from '../host/errno.ts';
import { libc } from '../host/libc.ts';
import { connectUnix, MOST_SOCKET_PATH_BYTES } from '../host/unix-sockets.ts';

/** Whether anybody listens at a stream socket. */
export function hasListener(file: string): boolean {
  try {
    libc().close(connectUnix('stream', file));
    return true;
  } catch (error) {
    const code = errnoOf(error);
    // Somebody has it, but not for streams, or not for us.
    if (code === 'EPROTOTYPE' || code === 'EACCES' || code === 'EPERM' || code === 'EAGAIN') return true;
    ignoreErrno(error, 'ENOENT', 'ECONNREFUSED');
    return false;
  }
}

/** Why no socket can be made at a path. What a process that has ended left there is removed. */
export function clearSocketPlace(file: string, what: string): Diagnostic | undefined {
  const tooLong = longPath(file, what, MOST_SOCKET_PATH_BYTES);
  if (tooLong) return tooLong;
  const directory = path.dirname(path.resolve(file));
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory())
    return errorDiagnostic('path', `${what} ${file}: there is no directory ${directory}`, {
      hint: 'create it',
    });
  const found = lstatSync(file, { throwIfNoEntry: false });
  if (!found) return undefined;
  if (!found.isSocket())
    return errorDiagnostic('path', `${what} ${file} exists and is not a socket`, {
      hint: 'remove it, or choose another path',
    });
  if (hasListener(file))
    return errorDiagnostic('conflict', `${what} ${file} is in use by another program`, {
      hint: 'choose another path',
    });
  unlinkSync(file);
  return undefined;
}

/** That a path is too long for a socket: libkrun would fail in the running guest. */
export function longPath(file: string, what: string, mostBytes: number): Diagnostic | undefined {
  const bytes = Buffer.byteLength(file);
  if (bytes <= mostBytes) return undefined;
  return errorDiagnostic(
    'limit',
    `${what} ${file} has ${bytes} bytes; libkrun can use at most ${mostBytes}`,
    {
      hint: 'choose a shorter path',
    },
  );
}

/** Whether this process was started with the descriptor, and it is a socket. */
export function isOpenSocket(fd: number): boolean {
  try {
    return fstatSync(fd).isSocket();
  } catch (error) {
    ignoreErrno(error, 'EBADF');
    return false;
  }
}

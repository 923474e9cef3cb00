import { chmod, lstat, rm, stat } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { errnoOf, ignoreErrno, systemHint, unlessMissing } from '../host/errno.ts';
import { LONGEST_SOCKET_PATH } from '../project/socket-path.ts';
import type { Refusal } from './api.ts';

/**
 * Makes room for a unix socket that the user named. A socket that nobody listens on is what a killed process left, and
 * goes; anything else stays, and is the reason why it cannot be published.
 */
export async function clearSocketPlace(file: string): Promise<Refusal | undefined> {
  try {
    return await clearPlace(file);
  } catch (error) {
    const code = errnoOf(error);
    if (code === undefined) throw error;
    const hint = systemHint(code);
    const message = `host socket ${file} cannot be made: ${(error as Error).message}`;
    return { message, ...(hint === undefined ? {} : { hint }) };
  }
}

async function clearPlace(file: string): Promise<Refusal | undefined> {
  const bytes = Buffer.byteLength(file);
  if (bytes > LONGEST_SOCKET_PATH) {
    return {
      message: `host socket ${file}: the path has ${bytes} bytes; the system takes ${LONGEST_SOCKET_PATH}`,
      hint: 'choose a shorter path',
    };
  }
  const parent = path.dirname(file);
  const directory = await unlessMissing(stat(parent));
  if (!directory?.isDirectory()) {
    return { message: `host socket ${file}: ${parent} is not a directory`, hint: 'make the directory first' };
  }
  const there = await unlessMissing(lstat(file));
  if (!there) return undefined;
  if (!there.isSocket()) {
    return {
      message: `host socket ${file}: the file is there and is not a socket`,
      hint: 'move it away, or choose another path; krun does not replace it',
    };
  }
  const problem = await connectProblem(file);
  if (problem === undefined) {
    return {
      message: `host socket ${file} is in use by another process`,
      hint: 'end that process or choose another path',
    };
  }
  if (problem !== 'ECONNREFUSED' && problem !== 'ENOENT') {
    return {
      message: `host socket ${file} belongs to somebody else (${problem})`,
      hint: 'choose another path',
    };
  }
  await rm(file, { force: true });
  return undefined;
}

/** Leaves a socket to its owner alone. */
export function protectSocket(file: string): Promise<void> {
  return chmod(file, 0o600);
}

/** Removes a socket of ours; what somebody put in its place stays. */
export async function removeSocket(file: string): Promise<void> {
  const there = await unlessMissing(lstat(file));
  if (there?.isSocket()) await rm(file, { force: true });
}

/** The system's code when nobody can be reached at a socket; undefined where somebody is. */
export function connectProblem(file: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(file);
    socket.once('connect', () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.once('error', (error) => {
      const code = errnoOf(error);
      if (code === undefined) reject(error);
      else resolve(code);
    });
  });
}

/** Listens on a unix socket of krun's own, which only this process uses; what is there is a leftover. */
export async function listenAt(server: net.Server, file: string): Promise<void> {
  await rm(file, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(file, () => {
      server.off('error', reject);
      resolve();
    });
  });
  try {
    await protectSocket(file);
  } catch (error) {
    // The project's runtime directory was removed at this very moment.
    ignoreErrno(error, 'ENOENT');
  }
}

import { readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { errnoOf, systemHint } from '../host/errno.ts';
import { isRunning } from '../host/identity.ts';
import { libc } from '../host/libc.ts';
import { connectUnix, MOST_SOCKET_PATH_BYTES, type SocketKind } from '../host/unix-sockets.ts';
import { StartFailure, type MachineFailure } from './failure.ts';
import { addLastAct } from './last-acts.ts';
import type { MachineSpec } from './spec.ts';

/** Connects to what serves a stream; libkrun gets the open socket. Throws {@link StartFailure}. */
export function connectStream(spec: MachineSpec, file: string, device: string): number {
  refuseLongPath(file, device, MOST_SOCKET_PATH_BYTES);
  return connectTo(spec, 'stream', file, device);
}

const LATER_NAME = /^krun-net-(\d+)-\d+\.sock$/;

/**
 * Makes sure that a datagram socket, which libkrun opens by its path, has somebody who reads it. libkrun leaves a
 * socket of its own behind: up to 1.18 beside the peer's, then in the temporary directory. This process removes it when
 * it ends itself, and the next start of any machine of the project does what a killed one could not.
 */
export function prepareDatagramSocket(
  spec: MachineSpec,
  { file, device }: { readonly file: string; readonly device: string },
  ownSuffix: string,
): void {
  refuseLongPath(file, device, MOST_SOCKET_PATH_BYTES - ownSuffix.length);
  libc().close(connectTo(spec, 'datagram', file, device));
  if (ownSuffix !== '') {
    addLastAct('guest', () => rmSync(file + ownSuffix, { force: true }));
    return;
  }
  const directory = path.dirname(spec.controlSocket);
  process.env['TMPDIR'] = directory;
  removeSockets(directory, (pid) => !isRunning(pid));
  addLastAct('guest', () => removeSockets(directory, (pid) => pid === process.pid));
}

function removeSockets(directory: string, isOurs: (pid: number) => boolean): void {
  for (const name of readdirSync(directory)) {
    const pid = Number(LATER_NAME.exec(name)?.[1] ?? Number.NaN);
    if (Number.isInteger(pid) && isOurs(pid)) rmSync(path.join(directory, name), { force: true });
  }
}

function refuseLongPath(file: string, device: string, most: number): void {
  const bytes = Buffer.byteLength(file);
  if (bytes <= most) return;
  throw new StartFailure({
    code: 'limit',
    message: `the socket of ${device}, ${file}, has a path of ${bytes} bytes; libkrun can use at most ${most}`,
    hint: 'let its program use a shorter path',
  });
}

function connectTo(spec: MachineSpec, kind: SocketKind, file: string, device: string): number {
  try {
    return connectUnix(kind, file);
  } catch (error) {
    const code = errnoOf(error);
    if (code === undefined) throw error;
    // krun's own network process makes its sockets beside the machine's.
    const isOwn = path.dirname(file) === path.dirname(spec.controlSocket);
    throw new StartFailure(connectFailure(code, kind, { file, device, isOwn }));
  }
}

/** Why a program that is to carry frames cannot be reached. */
export function connectFailure(
  code: string,
  kind: SocketKind,
  { file, device, isOwn }: { readonly file: string; readonly device: string; readonly isOwn: boolean },
): MachineFailure {
  const cause = CAUSES[code] ?? `cannot be connected to (${code})`;
  const message = `the socket of ${device}, ${file}, ${code === 'EPROTOTYPE' ? `is not a ${kind} socket` : cause}`;
  if (code === 'EPROTOTYPE') {
    const other = kind === 'stream' ? 'unixgram' : 'unixstream';
    return { code: 'environment', message, hint: `\`driver: ${other}\` is for the other kind` };
  }
  const start = isOwn
    ? 'the process of the network has ended; `krun up` starts it again'
    : 'start the program that serves it first; krun does not run it for this driver';
  const hint = code === 'EACCES' || code === 'EPERM' ? (systemHint(code) ?? start) : start;
  return { code: 'environment', message, hint };
}

const CAUSES: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ECONNREFUSED: 'has nobody who serves it',
  ENOTSOCK: 'is not a socket',
  EACCES: 'may not be used by this user',
  EPERM: 'may not be used by this user',
  EAGAIN: 'accepts no connection',
};

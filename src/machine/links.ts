import path from 'node:path';
import { errnoOf, systemHint } from '../host/errno.ts';
import { connectUnix, MOST_SOCKET_PATH_BYTES, type SocketKind } from '../host/unix-sockets.ts';
import type { Descriptors } from './execute.ts';
import { StartFailure, type MachineFailure } from './failure.ts';
import { linkName } from './network-calls.ts';
import type { MachineSpec, SpecInterface } from './spec.ts';

/**
 * Opens what is behind the guest's interfaces. libkrun itself would look there only when the guest's driver starts, and
 * hang where nobody is. Throws {@link StartFailure}.
 */
export async function openLinks(spec: MachineSpec): Promise<Descriptors> {
  const descriptors: Partial<Record<keyof Descriptors, number>> = {};
  for (const [index, entry] of spec.network.interfaces.entries()) {
    const device = linkName(index);
    const fd = openLink(spec, entry, device);
    if (fd !== undefined) descriptors[device] = fd;
  }
  return descriptors;
}

function openLink(spec: MachineSpec, { backend }: SpecInterface, device: string): number | undefined {
  switch (backend.kind) {
    case 'unixstream':
      return connectTo(spec, 'stream', backend.path, device);
    default:
      return undefined;
  }
}

function connectTo(spec: MachineSpec, kind: SocketKind, file: string, device: string): number {
  const bytes = Buffer.byteLength(file);
  if (bytes > MOST_SOCKET_PATH_BYTES) {
    throw new StartFailure({
      code: 'limit',
      message: `the socket of ${device}, ${file}, has ${bytes} bytes; a unix socket's path has at most ${MOST_SOCKET_PATH_BYTES}`,
      hint: 'use a shorter path',
    });
  }
  try {
    return connectUnix(kind, file);
  } catch (error) {
    const code = errnoOf(error);
    if (code === undefined) throw error;
    // krun's own network process makes its sockets beside the machine's.
    const isOwn = path.dirname(file) === path.dirname(spec.controlSocket);
    throw new StartFailure(connectFailure(code, kind, file, { device, isOwn }));
  }
}

/** Why a program that is to carry frames cannot be reached. */
export function connectFailure(
  code: string,
  kind: SocketKind,
  file: string,
  { device, isOwn }: { readonly device: string; readonly isOwn: boolean },
): MachineFailure {
  const cause = CONNECT_CAUSES[code] ?? `cannot be connected to (${code})`;
  const message = `the socket of ${device}, ${file}, ${code === 'EPROTOTYPE' ? `is not a ${kind} socket` : cause}`;
  const start = isOwn
    ? 'the process of the network has ended; `krun up` starts it again'
    : 'start the program that serves it first: krun does not, because the network names a socket';
  const hint = code === 'EACCES' || code === 'EPERM' ? systemHint(code) : start;
  return { code: 'environment', message, ...(hint === undefined ? {} : { hint }) };
}

const CONNECT_CAUSES: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ECONNREFUSED: 'has nobody who listens',
  ENOTSOCK: 'is not a socket',
  EACCES: 'may not be used by this user',
  EPERM: 'may not be used by this user',
  EAGAIN: 'accepts no connection',
};

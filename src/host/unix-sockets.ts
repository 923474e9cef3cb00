import os from 'node:os';
import { closeOnExec, libc, systemError } from './libc.ts';

/*
 * Blocking unix sockets, which libkrun wants and Node does not make. Every descriptor is closed in programs that this
 * process starts: one that stays open there would keep the other end from seeing the end.
 */

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const isLinux = process.platform === 'linux';
const SOL_SOCKET = isLinux ? 1 : 0xffff;
const SO_SNDBUF = isLinux ? 7 : 0x1001;
const SO_RCVBUF = isLinux ? 8 : 0x1002;
const SO_RCVTIMEO = isLinux ? 20 : 0x1006;
const SO_SNDTIMEO = isLinux ? 21 : 0x1005;

/** Bytes of a socket's path that the system takes, without the NUL that ends it. */
export const MOST_SOCKET_PATH_BYTES: number = isLinux ? 107 : 103;

/** Linux lets connect(2) wait while the listener's queue is full. */
const CONNECT_TIMEOUT_MS = 5000;

export type SocketKind = 'stream' | 'datagram';

/** Connects to a unix socket and returns a blocking descriptor; throws the system's error. */
export function connectUnix(kind: SocketKind, path: string): number {
  const fd = libc().socket(AF_UNIX, typeOf(kind), 0);
  if (fd < 0) throw systemError('socket');
  try {
    closeOnExec(fd);
    setTimeoutOption(fd, SO_SNDTIMEO, CONNECT_TIMEOUT_MS);
    const address = socketAddress(path);
    if (libc().connect(fd, address, address.length) !== 0) throw systemError('connect', path);
    setTimeoutOption(fd, SO_SNDTIMEO, 0);
    return fd;
  } catch (error) {
    libc().close(fd);
    throw error;
  }
}

export interface PairOptions {
  /** SO_SNDBUF of both ends; the system's default when absent. */
  readonly sendBytes?: number;
  /** SO_RCVBUF of both ends. */
  readonly receiveBytes?: number;
}

/** Two connected sockets: one to keep, and one for a program that is started. */
export function socketPair(
  kind: SocketKind,
  options: PairOptions = {},
): readonly [own: number, other: number] {
  const fds: [number, number] = [-1, -1];
  if (libc().socketpair(AF_UNIX, typeOf(kind), 0, fds) !== 0) throw systemError('socketpair');
  for (const fd of fds) {
    closeOnExec(fd);
    if (options.sendBytes !== undefined) setNumberOption(fd, SO_SNDBUF, options.sendBytes);
    if (options.receiveBytes !== undefined) setNumberOption(fd, SO_RCVBUF, options.receiveBytes);
  }
  return fds;
}

/** How long a read of the socket waits for data; 0 is for ever. */
export function setReceiveTimeout(fd: number, milliseconds: number): void {
  setTimeoutOption(fd, SO_RCVTIMEO, milliseconds);
}

function typeOf(kind: SocketKind): number {
  return kind === 'stream' ? SOCK_STREAM : SOCK_DGRAM;
}

/** `struct sockaddr_un`, as long as its path needs it. */
export function socketAddress(path: string): Uint8Array {
  const bytes = Buffer.from(path);
  if (bytes.length > MOST_SOCKET_PATH_BYTES) throw new Error(`${path} is too long for a unix socket`);
  const address = Buffer.alloc(2 + bytes.length + 1);
  if (isLinux && os.endianness() === 'LE') address.writeUInt16LE(AF_UNIX, 0);
  else if (isLinux) address.writeUInt16BE(AF_UNIX, 0);
  // BSD: a byte for the length, then one for the family.
  else address.set([address.length, AF_UNIX]);
  bytes.copy(address, 2);
  return address;
}

function setNumberOption(fd: number, name: number, value: number): void {
  setOption(fd, name, new Uint8Array(Int32Array.of(value).buffer));
}

/** `struct timeval` of 64-bit systems; macOS reads 4 of the 8 bytes for microseconds, in the same place. */
function setTimeoutOption(fd: number, name: number, milliseconds: number): void {
  const seconds = BigInt(Math.floor(milliseconds / 1000));
  const microseconds = BigInt((milliseconds % 1000) * 1000);
  setOption(fd, name, new Uint8Array(BigInt64Array.of(seconds, microseconds).buffer));
}

function setOption(fd: number, name: number, value: Uint8Array): void {
  if (libc().setsockopt(fd, SOL_SOCKET, name, value, value.length) !== 0) throw systemError('setsockopt');
}

import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { createServer, isIPv4 } from 'node:net';
import os from 'node:os';
import path from 'node:path';

export type PortProtocol = 'tcp' | 'udp';

export interface PortHolder {
  readonly pid: number;
  /** Short name of the program. */
  readonly name: string;
}

/**
 * The process that listens on a port of this host, or of one of its addresses. Undefined where there is none, or where it
 * belongs to another user and the system does not tell.
 */
export async function portHolder(
  port: number,
  protocol: PortProtocol,
  address?: string,
): Promise<PortHolder | undefined> {
  return process.platform === 'linux'
    ? linuxHolder(port, protocol, address)
    : lsofHolder(port, protocol, address);
}

/** Why nobody could listen on the port just now. */
export type BindProblem =
  | 'in-use'
  /** Ports below 1024, mostly. */
  | 'not-permitted'
  /** The address is not one of this host. */
  | 'no-such-address';

/** Tries to listen on a port of an address of this host, of all addresses where none is named. */
export function bindProblem(
  port: number,
  protocol: PortProtocol,
  address: string = '0.0.0.0',
): Promise<BindProblem | undefined> {
  return protocol === 'tcp' ? usableTcpProblem(port, address) : udpProblem(port, address);
}

/**
 * A libkrun that has ended leaves connections that close by themselves, and for a minute keep all from the port but the
 * next libkrun. They are nobody's.
 */
async function usableTcpProblem(port: number, address: string): Promise<BindProblem | undefined> {
  const problem = await tcpProblem(port, address);
  if (problem !== 'in-use' || process.platform !== 'linux') return problem;
  const tables = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map(readTable));
  return tables.some((table) => hasOwnedSocket(table, port)) ? problem : undefined;
}

/** Whether a process has a socket with the local port, from the text of `/proc/net/tcp{,6}`. */
export function hasOwnedSocket(table: string, port: number): boolean {
  return socketsAt(table, port).some((fields) => fields[9] !== '0');
}

/** The fields of each socket that is bound to the port. */
function socketsAt(table: string, port: number): string[][] {
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0');
  return table
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1]?.endsWith(`:${hexPort}`));
}

async function linuxHolder(
  port: number,
  protocol: PortProtocol,
  address: string | undefined,
): Promise<PortHolder | undefined> {
  const tables = await Promise.all([protocol, `${protocol}6`].map((name) => readTable(`/proc/net/${name}`)));
  const inodes = new Set(tables.flatMap((table) => listeningInodes(table, port, protocol, address)));
  if (inodes.size === 0) return undefined;
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    if (await holdsSocket(entry, inodes)) return { pid: Number(entry), name: await processName(entry) };
  }
  return undefined;
}

/** IPv6 may be switched off: then its table does not exist. */
async function readTable(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return '';
    throw error;
  }
}

/** Inodes of the sockets bound to a port, of that address if one is named, from the text of `/proc/net/{tcp,udp}{,6}`. */
export function listeningInodes(
  table: string,
  port: number,
  protocol: PortProtocol,
  address?: string,
): string[] {
  // TCP_LISTEN; an unconnected UDP socket is in TCP_CLOSE.
  const state = protocol === 'tcp' ? '0A' : '07';
  return socketsAt(table, port)
    .filter((fields) => fields[3] === state)
    .filter(([, local = '']) => address === undefined || isInTheWay(local, address))
    .flatMap((fields) => fields[9] ?? []);
}

/** Whether a socket that is bound there keeps others from the address: `0100007F:1F90` is 127.0.0.1. */
function isInTheWay(local: string, address: string): boolean {
  const [hex = ''] = local.split(':');
  // On every address; or one of IPv6, of which IPv4's may be a part.
  if (/^0+$/.test(hex) || hex.length > 8 || !isIPv4(address) || address === '0.0.0.0') return true;
  // The kernel prints the number in its own order of bytes.
  const bytes = address.split('.').map(Number);
  const ordered = os.endianness() === 'LE' ? bytes.toReversed() : bytes;
  return hex === Buffer.from(ordered).toString('hex').toUpperCase();
}

async function holdsSocket(pid: string, inodes: ReadonlySet<string>): Promise<boolean> {
  let descriptors: string[];
  try {
    descriptors = await readdir(`/proc/${pid}/fd`);
  } catch (error) {
    // Gone since, or another user's.
    if (isMissing(error) || hasCode(error, 'EACCES', 'EPERM')) return false;
    throw error;
  }
  for (const descriptor of descriptors) {
    const inode = /^socket:\[(\d+)\]$/.exec(await linkTarget(`/proc/${pid}/fd/${descriptor}`))?.[1];
    if (inode !== undefined && inodes.has(inode)) return true;
  }
  return false;
}

async function linkTarget(path: string): Promise<string> {
  try {
    return await readlink(path);
  } catch (error) {
    // Descriptors come and go while we look.
    if (isMissing(error) || hasCode(error, 'EACCES', 'EPERM')) return '';
    throw error;
  }
}

/** What a user would call it: the program's file name; `comm` is a thread's name (`node-MainThread`) in newer programs. */
async function processName(pid: string): Promise<string> {
  try {
    const [program = ''] = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split(/[\0 ]/, 1);
    // Kernel threads have no command line.
    return path.basename(program) || (await readFile(`/proc/${pid}/comm`, 'utf8')).trim();
  } catch (error) {
    if (isMissing(error)) return 'unknown';
    throw error;
  }
}

async function lsofHolder(
  port: number,
  protocol: PortProtocol,
  address: string | undefined,
): Promise<PortHolder | undefined> {
  // lsof takes who listens on every address for nobody's address: it is asked without one then.
  const onAddress = address === undefined ? undefined : await runLsof(`@${address}:${port}`, protocol);
  return onAddress ?? (await runLsof(`:${port}`, protocol));
}

async function runLsof(place: string, protocol: PortProtocol): Promise<PortHolder | undefined> {
  const selection = protocol === 'tcp' ? [`-iTCP${place}`, '-sTCP:LISTEN'] : [`-iUDP${place}`];
  const output = await new Promise<string>((resolve) => {
    // lsof ends with 1 when it finds nothing.
    execFile('lsof', ['-nP', ...selection, '-Fpc'], (_error, stdout) => resolve(stdout));
  });
  return parseLsof(output);
}

/** First process in the output of `lsof -Fpc`. */
export function parseLsof(output: string): PortHolder | undefined {
  const pid = /^p(\d+)$/m.exec(output)?.[1];
  if (pid === undefined) return undefined;
  return { pid: Number(pid), name: /^c(.+)$/m.exec(output)?.[1] ?? 'unknown' };
}

function tcpProblem(port: number, host: string): Promise<BindProblem | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => settleProblem(error, resolve, reject));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

function udpProblem(port: number, address: string): Promise<BindProblem | undefined> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    socket.once('error', (error) => socket.close(() => settleProblem(error, resolve, reject)));
    socket.bind({ port, address, exclusive: true }, () => socket.close(() => resolve(undefined)));
  });
}

const BIND_PROBLEMS: Readonly<Record<string, BindProblem>> = {
  EADDRINUSE: 'in-use',
  EACCES: 'not-permitted',
  EADDRNOTAVAIL: 'no-such-address',
};

function settleProblem(
  error: Error,
  resolve: (problem: BindProblem) => void,
  reject: (error: Error) => void,
): void {
  const problem = BIND_PROBLEMS['code' in error ? String(error.code) : ''];
  if (problem === undefined) reject(error);
  else resolve(problem);
}

function isMissing(error: unknown): boolean {
  return hasCode(error, 'ENOENT', 'ESRCH', 'ENOTDIR');
}

function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}

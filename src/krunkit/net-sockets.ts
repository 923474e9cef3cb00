import { errorDiagnostic, type Diagnostic } from '../base/diagnostic.ts';
import { err, ok, type Result } from '../base/result.ts';
import { errnoOf } from '../host/errno.ts';
import { koffi } from '../host/koffi.ts';
import { libc, systemError } from '../host/libc.ts';
import { connectUnix, MOST_SOCKET_PATH_BYTES, type SocketKind } from '../host/unix-sockets.ts';
import type { Descriptors } from '../libkrun/execute.ts';
import type { Libkrun } from '../libkrun/ffi.ts';
import { connectFailure } from '../machine/link-sockets.ts';
import { ownSocketSuffix } from '../vm/own-socket.ts';
import type { KrunkitNet } from './options.ts';
import { isOpenSocket, longPath } from './sockets.ts';

const isLinux = process.platform === 'linux';
const SOL_SOCKET = isLinux ? 1 : 0xffff;
const SO_TYPE = isLinux ? 3 : 0x1008;
const TYPES: Readonly<Record<number, SocketKind>> = { 1: 'stream', 2: 'datagram' };
const F_GETFL = 3;
const F_SETFL = 4;
const O_NONBLOCK = isLinux ? 0x800 : 4;

/**
 * Makes sure that somebody serves each interface: libkrun would ask only in the running guest, and hang.
 * Streams are connected here, as `net0`, `net1`, ...: what serves them may take one connection only.
 */
export function connectInterfaces(
  interfaces: readonly KrunkitNet[],
  library: Pick<Libkrun, 'has'>,
): Result<Descriptors, readonly Diagnostic[]> {
  const descriptors: Record<string, number> = {};
  const diagnostics: Diagnostic[] = [];
  interfaces.forEach((net, index) => {
    const result = connect(net, `eth${index}`, ownSocketSuffix(library));
    if (!result.ok) diagnostics.push(result.error);
    else if (result.value !== undefined) descriptors[`net${index}`] = result.value;
  });
  return diagnostics.length > 0 ? err(diagnostics) : ok(descriptors);
}

function connect(
  { socket, peer }: KrunkitNet,
  device: string,
  suffix: string,
): Result<number | undefined, Diagnostic> {
  const kind = socket === 'unixstream' ? 'stream' : 'datagram';
  if ('fd' in peer) {
    const problem = descriptorProblem(peer.fd, kind);
    return problem ? err(problem) : ok(undefined);
  }
  const reserved = kind === 'datagram' ? suffix.length : 0;
  const tooLong = longPath(peer.path, `the socket of ${device}`, MOST_SOCKET_PATH_BYTES - reserved);
  if (tooLong) return err(tooLong);
  try {
    const fd = connectUnix(kind, peer.path);
    if (kind === 'stream') return ok(fd);
    // libkrun connects a datagram socket itself, from one with a name.
    libc().close(fd);
    return ok(undefined);
  } catch (error) {
    const code = errnoOf(error);
    if (code === undefined) throw error;
    const failure = connectFailure(code, kind, { file: peer.path, device, isOwn: false });
    return err(errorDiagnostic(failure.code, failure.message, { hint: connectHint(code, kind) }));
  }
}

function connectHint(code: string, kind: SocketKind): string {
  if (code === 'EPROTOTYPE') return `write type=${kind === 'stream' ? 'unixgram' : 'unixstream'}`;
  if (code === 'EACCES' || code === 'EPERM') return 'make the path accessible for your user';
  return 'start the program that serves it first, such as gvproxy or passt';
}

function descriptorProblem(fd: number, kind: SocketKind): Diagnostic | undefined {
  if (!isOpenSocket(fd))
    return errorDiagnostic('invalid-value', `virtio-net fd=${fd}: descriptor ${fd} is not an open socket`, {
      hint: 'open it for krun: the program that starts krun must pass it on',
    });
  const found = typeOf(fd);
  if (found !== kind)
    return errorDiagnostic('invalid-value', `virtio-net fd=${fd} is not a ${kind} socket`, {
      hint: found ? connectHint('EPROTOTYPE', kind) : 'it must be a unix socket',
    });
  if (kind === 'stream') letBlock(fd);
  return undefined;
}

function typeOf(fd: number): SocketKind | undefined {
  const getsockopt = koffi()
    .load(null)
    .func('int getsockopt(int fd, int level, int name, _Out_ uint8_t *value, _Inout_ uint32_t *length)') as (
    ...of: readonly [number, number, number, Uint8Array, [number]]
  ) => number;
  const value = new Uint8Array(4);
  if (getsockopt(fd, SOL_SOCKET, SO_TYPE, value, [value.length]) !== 0) throw systemError('getsockopt');
  return TYPES[new DataView(value.buffer).getInt32(0, true)];
}

/** libkrun writes frames of a stream to their end. */
function letBlock(fd: number): void {
  const flags = libc().fcntl(fd, F_GETFL, 'int', 0);
  if (flags < 0 || libc().fcntl(fd, F_SETFL, 'int', flags & ~O_NONBLOCK) !== 0) throw systemError('fcntl');
}

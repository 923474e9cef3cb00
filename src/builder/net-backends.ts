import { errorDiagnostic, type Diagnostic } from '../base/diagnostic.ts';
import { errnoOf, systemHint } from '../host/errno.ts';
import { libc } from '../host/libc.ts';
import { connectUnix, type SocketKind } from '../host/unix-sockets.ts';
import { StartFailure } from '../machine/failure.ts';
import { connectFailure } from '../machine/link-sockets.ts';
import { checkTap } from '../machine/tap.ts';
import type { Call } from '../vm/calls.ts';
import { BuilderError } from './error.ts';

/**
 * The calls with streams connected: what serves one may take one connection only. libkrun itself would look for whoever
 * is behind an interface in the running guest, and hang where nobody is. Throws {@link BuilderError}.
 */
export function connectBackends(calls: readonly Call[]): readonly Call[] {
  const opened: number[] = [];
  const problems: Diagnostic[] = [];
  let count = 0;
  const connected = calls.map((call) => {
    const [context = null, place, , ...rest] = call.args;
    if (!call.name.startsWith('krun_add_net_')) return call;
    const device = `eth${count++}`;
    if (typeof place !== 'string') return call;
    try {
      const fd = openBackend(call, place, device);
      if (fd === undefined) return call;
      opened.push(fd);
      return { ...call, args: [context, null, fd, ...rest] };
    } catch (error) {
      if (!(error instanceof StartFailure)) throw error;
      problems.push(errorDiagnostic(error.failure.code, error.message, error.failure));
      return call;
    }
  });
  if (problems.length === 0) return connected;
  for (const fd of opened) libc().close(fd);
  throw new BuilderError(problems);
}

/** A descriptor for libkrun; undefined where it opens by itself what was seen to be there. */
function openBackend({ name }: Call, place: string, device: string): number | undefined {
  if (name === 'krun_add_net_tap') {
    checkTap(place, device);
    return undefined;
  }
  if (name === 'krun_add_net_unixstream') return connect('stream', place, device);
  libc().close(connect('datagram', place, device));
  return undefined;
}

function connect(kind: SocketKind, file: string, device: string): number {
  try {
    return connectUnix(kind, file);
  } catch (error) {
    const code = errnoOf(error);
    if (code === undefined) throw error;
    const failure = connectFailure(code, kind, { file, device, isOwn: false });
    throw new StartFailure({ ...failure, hint: hintFor(code, kind) });
  }
}

function hintFor(code: string, kind: SocketKind): string {
  if (code === 'EPROTOTYPE')
    return `name it with ${kind === 'stream' ? 'unixgramPath()' : 'unixstreamPath()'}`;
  const isBarred = code === 'EACCES' || code === 'EPERM';
  return (isBarred ? systemHint(code) : undefined) ?? 'start the program that serves it first';
}

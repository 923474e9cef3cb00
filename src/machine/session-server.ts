import type { Socket } from 'node:net';
import type { AttachRequest, SessionRequest } from '../session/api.ts';
import { ACCEPTED_TEXT, readMessage, refusalText } from '../session/handshake.ts';
import { ClientFrames } from './client-frames.ts';
import type { GuestSession } from './guest-session.ts';
import type { SessionPool, Waiting } from './session-pool.ts';
import { parseSessionRequest } from './session-request.ts';
import type { GuestStatus } from './status-file.ts';
import type { WorkloadIo } from './workload-io.ts';

/** What clients' sessions run on; undefined for a guest without an agent. */
export interface SessionGround {
  readonly pool: SessionPool;
  readonly workload: WorkloadIo;
  /** Ends a guest that has no command of its own. */
  readonly endGuest?: (exitCode: number) => void;
}

interface Refusal {
  readonly kind: 'no-agent' | 'not-running' | 'not-ready' | 'invalid';
  readonly error: string;
  readonly hint?: string;
}

/** Reads one request, and serves it until the client or the command ends. */
export async function serveSession(
  socket: Socket,
  ground: SessionGround | undefined,
  status: () => GuestStatus,
): Promise<void> {
  const message = await readMessage(socket);
  if (!message) {
    socket.destroy();
    return;
  }
  const request = parseSessionRequest(message.body);
  if ('problem' in request) {
    refuse(socket, '400 Bad Request', { kind: 'invalid', error: request.problem });
    return;
  }
  const refusal = refusalOf(request, ground, status());
  if (refusal || !ground) {
    refuse(socket, '409 Conflict', refusal ?? NO_AGENT);
    return;
  }
  socket.write(ACCEPTED_TEXT);
  if ('attach' in request) ground.workload.attach(socket, request.terminal);
  else startSession(socket, ground, request);
}

const NO_AGENT: Refusal = {
  kind: 'no-agent',
  error: 'the guest has no agent',
  hint: 'sessions need a machine without `agent: false`, and a shell in its root',
};

function refusalOf(
  request: SessionRequest | AttachRequest,
  ground: SessionGround | undefined,
  status: GuestStatus,
): Refusal | undefined {
  if (!ground) return NO_AGENT;
  if (status.exitCode !== undefined) return { kind: 'not-running', error: 'the guest has ended' };
  if (!status.isReady) return { kind: 'not-ready', error: 'the guest has not reported in yet' };
  if ('attach' in request && !ground.workload.isOpen) {
    return {
      kind: 'invalid',
      error: "the machine's command has neither a terminal nor an input",
      hint: '`tty: true` or `stdin_open: true` gives it one',
    };
  }
  if ('command' in request && request.terminal && !ground.pool.hasTerminals) {
    return { kind: 'invalid', error: 'the machine has no terminals for sessions' };
  }
  return undefined;
}

function refuse(socket: Socket, status: string, refusal: Refusal): void {
  socket.end(refusalText(status, refusal));
}

function startSession(socket: Socket, ground: SessionGround, request: SessionRequest): void {
  const { pool } = ground;
  const frames = new ClientFrames(socket);
  let session: GuestSession | undefined;
  const early: ((session: GuestSession) => void)[] = [];
  const act = (wish: (session: GuestSession) => void): void => {
    if (session) wish(session);
    else early.push(wish);
  };
  let isDetached = request.detached === true;
  const waiting: Waiting = {
    request: isDetached ? { ...request, stdin: false } : request,
    peer: endingPeer(isDetached ? detachedPeer(frames) : frames, frames, request, ground),
    begin: (begun) => {
      session = begun;
      for (const wish of early.splice(0)) wish(begun);
    },
  };
  frames.serve({
    input: (bytes) => act((it) => it.input(bytes)),
    inputEnd: () => act((it) => it.inputEnd()),
    signal: (name) => act((it) => it.signal(name)),
    resize: (size) => act((it) => it.resize(size)),
    detach: () => {
      isDetached = true;
      act((it) => it.detach());
    },
    resume: () => session?.resume(),
    gone: () => {
      if (isDetached) return;
      if (session) session.abandon();
      else {
        pool.leave(waiting);
        waiting.peer.end({ exitCode: null });
      }
    },
  });
  pool.ask(waiting);
}

/** Nobody knows the code of a command that never was, or that was lost. */
const UNKNOWN_CODE = 125;

function endingPeer(
  peer: Waiting['peer'],
  frames: ClientFrames,
  { endsGuest }: SessionRequest,
  { endGuest }: SessionGround,
): Waiting['peer'] {
  if (!endsGuest || !endGuest) return peer;
  return {
    started: () => peer.started(),
    output: (kind, bytes) => peer.output(kind, bytes),
    taken: (bytes) => peer.taken(bytes),
    end: (end) => {
      peer.end(end);
      // This process ends with the guest, and what the client has not been given would be lost.
      void frames.sent().then(() => endGuest(end.exitCode ?? UNKNOWN_CODE));
    },
  };
}

function detachedPeer(frames: ClientFrames): Waiting['peer'] {
  return {
    started: () => frames.started(),
    output: () => true,
    taken: (bytes) => frames.taken(bytes),
    end: (end) => frames.end(end),
  };
}

import { connect, type Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { err, ok, type Result } from '../base/result.ts';
import { errnoOf, systemHint } from '../host/errno.ts';
import type { AttachRequest, SessionEnd, SessionRequest, TerminalSize } from './api.ts';
import { ClientSession } from './client-session.ts';
import { readMessage, requestText, type Message } from './handshake.ts';

/** The machine process answers from its event loop at once; a longer silence means that it hangs, or is stopped. */
const ANSWER_MS = 5000;

/** A command that runs in a guest beside its workload. */
export interface Session {
  /** Holds back while the command does not read; takes and drops what comes after it has ended. */
  readonly stdin: Writable;
  /** Read both, or `resume()` them: what nobody reads holds everything else of the session back. */
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves, and never rejects, when the command runs, or when it never will. */
  readonly started: Promise<void>;
  /** Resolves, and never rejects, when the command has ended and its output has come. */
  readonly end: Promise<SessionEnd>;
  /** Sends a signal, with or without `SIG`, to the command's process group. */
  signal(name: string): void;
  resize(size: TerminalSize): void;
  /** Lets go of everything; the command goes on, and its output is dropped. */
  detach(): void;
  /** Ends the command (SIGHUP, then SIGKILL) unless it is detached, and lets go of everything. */
  close(): void;
}

/** Why there is no session. */
export interface SessionRefusal {
  readonly kind: SessionRefusalKind;
  readonly message: string;
  readonly hint?: string;
}

export type SessionRefusalKind =
  /** The machine has `agent: false`. */
  | 'no-agent'
  /** There is no machine process, or its guest has ended. */
  | 'not-running'
  /** The guest boots, or could not be set up. */
  | 'not-ready'
  /** There is a machine process, and it does not answer, or cannot be asked. */
  | 'silent'
  /** The request cannot be carried out as it is. */
  | 'invalid';

export interface OpenOptions {
  /** Closes the session; before there is one, the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** How long the machine process may be silent. */
  readonly answerMs?: number;
}

/** Starts a command in the guest of the machine process that serves the socket, or joins the machine's own. */
export async function openSession(
  controlSocket: string,
  request: SessionRequest | AttachRequest,
  { signal, answerMs = ANSWER_MS }: OpenOptions = {},
): Promise<Result<Session, SessionRefusal>> {
  signal?.throwIfAborted();
  const connected = await connectTo(controlSocket);
  if (!connected.ok) return connected;
  const socket = connected.value;
  const abort = (): void => void socket.destroy();
  signal?.addEventListener('abort', abort, { once: true });
  let isSilent = false;
  const timer = setTimeout(() => {
    isSilent = true;
    socket.destroy();
  }, answerMs);
  socket.write(requestText(JSON.stringify(request)));
  const answer = await readMessage(socket);
  clearTimeout(timer);
  signal?.removeEventListener('abort', abort);
  signal?.throwIfAborted();
  if (answer && answer.start.split(' ')[1] === '101') {
    const session = new ClientSession(socket);
    const close = (): void => session.close();
    signal?.addEventListener('abort', close, { once: true });
    // A signal may outlive many sessions.
    void session.end.then(() => signal?.removeEventListener('abort', close));
    return ok(session);
  }
  socket.destroy();
  if (isSilent) return err(SILENT);
  return err(answer === undefined ? ENDED : refusalOf(answer));
}

const SILENT: SessionRefusal = {
  kind: 'silent',
  message: 'the machine process does not answer',
  hint: 'it may be stopped (SIGSTOP) or the host overloaded; `krun kill` ends it',
};

const ENDED: SessionRefusal = { kind: 'not-running', message: 'the machine ended' };

const NOT_RUNNING: SessionRefusal = {
  kind: 'not-running',
  message: 'the machine does not run',
  hint: '`krun up` starts it',
};

/** Errors of connect(2) that say that nobody serves the socket. */
const ABSENT = new Set(['ENOENT', 'ECONNREFUSED', 'ENOTDIR']);

function connectTo(path: string): Promise<Result<Socket, SessionRefusal>> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.off('error', refuse);
      // 'close' comes after it, and says all that matters.
      socket.on('error', () => undefined);
      resolve(ok(socket));
    });
    const refuse = (error: Error): void => resolve(err(unconnected(error)));
    socket.once('error', refuse);
  });
}

function unconnected(error: Error): SessionRefusal {
  const code = errnoOf(error) ?? '';
  if (ABSENT.has(code)) return NOT_RUNNING;
  // Its queue of connections is full: nobody takes any.
  if (code === 'EAGAIN') return SILENT;
  const hint = systemHint(code);
  const message = `the machine process cannot be reached: ${error.message}`;
  return { kind: 'silent', message, ...(hint === undefined ? {} : { hint }) };
}

const KINDS: readonly string[] = ['no-agent', 'not-running', 'not-ready', 'invalid'];

function refusalOf({ start, body }: Message): SessionRefusal {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  const { kind, error, hint } = (value ?? {}) as Readonly<Record<string, unknown>>;
  return {
    kind: KINDS.includes(String(kind)) ? (kind as SessionRefusalKind) : 'invalid',
    // Such as a machine process of an earlier version of krun, which knows no sessions.
    message: typeof error === 'string' ? error : `the machine process answered ${start}`,
    ...(typeof hint === 'string' ? { hint } : {}),
  };
}

import http from 'node:http';
import type net from 'node:net';
import { err, ok, type Result } from '../base/result.ts';
import { errnoOf } from '../host/errno.ts';
import type { Member, MemberStatus, NetworkState, Refusal } from './api.ts';

/** Why a network process did not do what it was asked for. */
export type NetworkFailure =
  /** It says no, and nothing was changed. */
  | ({ readonly kind: 'refused' } & Refusal)
  /** No process has the socket open. */
  | { readonly kind: 'absent'; readonly message: string }
  /** Somebody has it open and does not answer in time, or breaks off. */
  | { readonly kind: 'silent'; readonly message: string };

/** What is answered from the event loop at once. */
const ANSWER_MS = 5000;
/** A member waits for the helper, whose own deadline is shorter. */
const MEMBER_MS = 30_000;
/** A state with hundreds of members is far smaller. */
const MOST_ANSWER_BYTES = 4 * 1024 * 1024;

/** Talks to one network process; see api.ts. */
export class NetworkClient {
  readonly #socketPath: string;

  constructor(controlSocket: string) {
    this.#socketPath = controlSocket;
  }

  /** Whoever only looks waits less long than who has to decide. */
  state(timeoutMs: number = ANSWER_MS): Promise<Result<NetworkState, NetworkFailure>> {
    return this.#ask<NetworkState>({ method: 'GET', path: '/state', timeoutMs });
  }

  /** Waits until the network is ready or has failed. */
  putMember(name: string, member: Member): Promise<Result<MemberStatus, NetworkFailure>> {
    return this.#ask<MemberStatus>({
      method: 'PUT',
      path: memberPath(name),
      body: member,
      timeoutMs: MEMBER_MS,
    });
  }

  /** Also when there is no such member. */
  async deleteMember(name: string): Promise<Result<undefined, NetworkFailure>> {
    const answer = await this.#ask({ method: 'DELETE', path: memberPath(name), timeoutMs: MEMBER_MS });
    return answer.ok ? ok(undefined) : answer;
  }

  /** A connection to a TCP port of a member, which has accepted it. */
  openTunnel(name: string, port: number, signal: AbortSignal): Promise<Result<net.Socket, NetworkFailure>> {
    return openTunnel(this.#socketPath, `${memberPath(name)}/ports/${port}`, signal);
  }

  /** Asks the process to end; it does so after the answer. */
  async stop(): Promise<Result<undefined, NetworkFailure>> {
    const answer = await this.#ask({ method: 'POST', path: '/stop' });
    return answer.ok ? ok(undefined) : answer;
  }

  async #ask<T>(question: Question): Promise<Result<T, NetworkFailure>> {
    const answer = await exchange(this.#socketPath, question);
    if (!answer.ok) return answer;
    const { status, text } = answer.value;
    const body = parse(text);
    if (status < 300 && (body !== undefined || text === '')) return ok(body as T);
    const { message = `the network process answers ${status}`, hint } = (body ?? {}) as Partial<Refusal>;
    return err({ kind: 'refused', message, ...(hint === undefined ? {} : { hint }) });
  }
}

function memberPath(name: string): string {
  return `/members/${encodeURIComponent(name)}`;
}

interface Question {
  readonly method: 'GET' | 'PUT' | 'DELETE' | 'POST';
  readonly path: string;
  readonly body?: unknown;
  readonly timeoutMs?: number;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

function exchange(socketPath: string, question: Question): Promise<Result<Answer, NetworkFailure>> {
  const timeoutMs = question.timeoutMs ?? ANSWER_MS;
  const body = question.body === undefined ? '' : JSON.stringify(question.body);
  return new Promise((resolve) => {
    const silent = (message: string): void => resolve(err({ kind: 'silent', message }));
    const request = http.request(
      {
        socketPath,
        method: question.method,
        path: question.path,
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
        agent: false,
      },
      (response) => {
        const chunks: Uint8Array[] = [];
        let bytes = 0;
        response.on('data', (chunk: Uint8Array) => {
          chunks.push(chunk);
          bytes += chunk.length;
          if (bytes > MOST_ANSWER_BYTES) request.destroy();
        });
        response.on('error', () => silent('the network process broke off its answer'));
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          resolve(ok({ status: response.statusCode ?? 0, text }));
        });
      },
    );
    const timer = setTimeout(() => {
      silent(`the network process has not answered for ${timeoutMs / 1000} s`);
      request.destroy();
    }, timeoutMs);
    request.on('error', (error) => resolve(err(failureOf(error))));
    request.on('close', () => clearTimeout(timer));
    request.end(body);
  });
}

/** Waits as long as the signal lets it: the guest may be slow to accept. */
function openTunnel(
  socketPath: string,
  path: string,
  signal: AbortSignal,
): Promise<Result<net.Socket, NetworkFailure>> {
  return new Promise((resolve) => {
    const headers = { connection: 'upgrade', upgrade: 'krun-tunnel' };
    const request = http.request({ socketPath, path, headers, agent: false, signal });
    request.on('upgrade', (_response, socket, head) => {
      if (head.length > 0) socket.unshift(head);
      // What becomes of it is told by 'close'.
      socket.on('error', () => socket.destroy());
      resolve(ok(socket));
    });
    request.on('response', (response) => void refusalOf(response).then((refusal) => resolve(err(refusal))));
    request.on('error', (error) => resolve(err(failureOf(error))));
    request.end();
  });
}

async function refusalOf(response: http.IncomingMessage): Promise<NetworkFailure> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of response as AsyncIterable<Uint8Array>) chunks.push(chunk);
  } catch (error) {
    return failureOf(error as Error);
  }
  const body = parse(Buffer.concat(chunks).toString('utf8')) as Partial<Refusal> | undefined;
  const { message = `the network process answers ${response.statusCode}`, hint } = body ?? {};
  return { kind: 'refused', message, ...(hint === undefined ? {} : { hint }) };
}

function failureOf(error: Error): NetworkFailure {
  const code = errnoOf(error);
  if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTDIR') {
    return { kind: 'absent', message: 'the network process does not run' };
  }
  return { kind: 'silent', message: `the network process broke off: ${error.message}` };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

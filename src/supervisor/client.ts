import http from 'node:http';
import type { Event } from '../plan/event.ts';
import type { Request } from '../plan/request.ts';
import { errnoOf } from '../host/errno.ts';
import type { Layout } from '../store/layout.ts';
import type { MachineRecord } from '../store/records.ts';
import type { SupervisorVersion } from './api.ts';

/** Error numbers for: nobody listens. There is no supervisor, or it has ended and may have left its socket. */
export const ABSENT: readonly string[] = ['ENOENT', 'ECONNREFUSED', 'ENOTSOCK', 'ECONNRESET', 'EPIPE'];
/** A supervisor that lives answers at once. */
const ANSWER_MS = 5000;

/** A supervisor that answers. */
export class SupervisorClient {
  readonly version: SupervisorVersion;
  readonly #layout: Layout;

  constructor(layout: Layout, version: SupervisorVersion) {
    this.#layout = layout;
    this.version = version;
  }

  async machines(): Promise<readonly MachineRecord[]> {
    const response = await open(this.#layout, { method: 'GET', path: '/v1/machines' });
    return JSON.parse(await text(response)) as MachineRecord[];
  }

  /** Sends a request and gives its events up to `done`. Leaving, or aborting, does not end the request. */
  request(request: Request, signal?: AbortSignal): AsyncIterable<Event> {
    return sendRequest(this.#layout, request, signal);
  }

  /** Everything that happens in the project from now on; ends with the supervisor. */
  async *events(signal?: AbortSignal): AsyncGenerator<Event> {
    yield* events(await open(this.#layout, { method: 'GET', path: '/v1/events', signal }));
  }

  /** Has the supervisor give up its requests and end; its machines run on. */
  async exit(): Promise<void> {
    const response = await open(this.#layout, { method: 'POST', path: '/v1/exit' });
    await text(response);
  }
}

/** The supervisor of a project; undefined where there is none, `silent` for one that hangs. */
export async function connectSupervisor(layout: Layout): Promise<SupervisorClient | 'silent' | undefined> {
  const signal = AbortSignal.timeout(ANSWER_MS);
  try {
    const response = await open(layout, { method: 'GET', path: '/v1/version', signal });
    return new SupervisorClient(layout, JSON.parse(await text(response)) as SupervisorVersion);
  } catch (error) {
    if (ABSENT.includes(errnoOf(error) ?? '')) return undefined;
    if (signal.aborted) return 'silent';
    throw error;
  }
}

/** Sends a request to the supervisor that runs; throws the system's error where none does. */
export async function* sendRequest(
  layout: Layout,
  request: Request,
  signal?: AbortSignal,
): AsyncGenerator<Event> {
  const body = JSON.stringify(request);
  yield* events(await open(layout, { method: 'POST', path: '/v1/requests', body, signal }));
}

interface Call {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: string;
  readonly signal?: AbortSignal | undefined;
}

function open(layout: Layout, call: Call): Promise<http.IncomingMessage> {
  const { method, path, body, signal } = call;
  return new Promise((resolve, reject) => {
    const request = http.request({
      socketPath: layout.supervisorSocket,
      method,
      path,
      agent: false,
      ...(signal ? { signal } : {}),
      ...(body === undefined ? {} : { headers: { 'content-length': Buffer.byteLength(body) } }),
    });
    request.on('error', reject);
    request.on('response', (response) => {
      if ((response.statusCode ?? 0) < 300) resolve(response);
      else reject(new Error(`the supervisor answered ${method} ${path} with ${response.statusCode}`));
    });
    request.end(body);
  });
}

async function text(response: http.IncomingMessage): Promise<string> {
  let all = '';
  response.setEncoding('utf8');
  for await (const chunk of response as AsyncIterable<string>) all += chunk;
  return all;
}

async function* events(response: http.IncomingMessage): AsyncGenerator<Event> {
  let rest = '';
  response.setEncoding('utf8');
  try {
    for await (const chunk of response as AsyncIterable<string>) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) yield JSON.parse(line) as Event;
    }
  } catch (error) {
    // The supervisor was killed, or the caller has had enough: either way there are no more events.
    if (errnoOf(error) !== 'ECONNRESET' && errnoOf(error) !== 'ABORT_ERR') throw error;
  } finally {
    response.destroy();
  }
}

import { chmodSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { errorDiagnostic, type Diagnostic } from '../base/diagnostic.ts';
import { err, ok, type Result } from '../base/result.ts';
import { errnoOf } from '../host/errno.ts';
import type { RestfulUri } from './options.ts';
import { clearSocketPlace } from './sockets.ts';
import type { Stopper } from './stop.ts';

/** `{"state":"HardStop"}` with room to spare. */
const MOST_BODY_BYTES = 4096;

export interface RestMachine {
  readonly stopper: Stopper;
  /** The answer to `GET /vm/inspect`. */
  readonly inspection: Readonly<Record<string, unknown>>;
}

/** A REST service that runs, and where. */
export interface RestService {
  readonly server: Server;
  /** `tcp://127.0.0.1:8081`, `unix:///path`. */
  readonly uri: string;
}

/**
 * krunkit's REST service, with `GET /vm/inspect` of vfkit beside it: `GET /vm/state`, and `POST /vm/state`
 * with `{"state":"Stop"}` or `{"state":"HardStop"}`. A unix socket is its owner's only.
 */
export async function serveRest(
  uri: Exclude<RestfulUri, { kind: 'none' }>,
  machine: RestMachine,
): Promise<Result<RestService, Diagnostic>> {
  const problem = uri.kind === 'unix' ? clearSocketPlace(uri.path, 'the REST socket') : undefined;
  if (problem) return err(problem);
  const server = createServer((request, response) => {
    answer(request, response, machine).catch(() => response.destroy());
  });
  try {
    await listen(server, uri);
  } catch (error) {
    return err(cannotListen(uri, error));
  }
  if (uri.kind === 'unix') return ok({ server, uri: `unix://${uri.path}` });
  return ok({ server, uri: `tcp://${uri.host}:${(server.address() as AddressInfo).port}` });
}

function listen(server: Server, uri: Exclude<RestfulUri, { kind: 'none' }>): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', () => {
      server.off('error', reject);
      resolve();
    });
    if (uri.kind === 'tcp') {
      server.listen(uri.port, uri.host);
      return;
    }
    // The socket is made at once, and nobody else shall see it with other rights.
    const before = process.umask(0o177);
    try {
      server.listen(uri.path, () => chmodSync(uri.path, 0o600));
    } finally {
      process.umask(before);
    }
  });
}

function cannotListen(uri: Exclude<RestfulUri, { kind: 'none' }>, error: unknown): Diagnostic {
  const code = errnoOf(error);
  if (code === undefined) throw error;
  const place = uri.kind === 'tcp' ? `tcp://${uri.host}:${uri.port}` : `unix://${uri.path}`;
  const cause: Readonly<Record<string, string>> = {
    EADDRINUSE: 'the address is in use',
    EADDRNOTAVAIL: 'this host has no such address',
    EACCES: 'your user may not',
  };
  const hint = 'choose another address with --restful-uri';
  return errorDiagnostic('environment', `the REST service cannot be at ${place}: ${cause[code] ?? code}`, {
    hint,
  });
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  machine: RestMachine,
): Promise<void> {
  // A page in a browser must not stop machines; programs that are no browser do not send this.
  if (request.headers.origin !== undefined) {
    reply(response, 403, { error: 'requests of web pages are not answered' });
    return;
  }
  const path = (request.url ?? '/').replace(/\?.*$/s, '').replace(/\/$/, '');
  if (path === '/vm/inspect') answerInspect(request, response, machine);
  else if (path === '/vm/state') await answerState(request, response, machine.stopper);
  else reply(response, 404, { error: `there is no ${path || '/'}; there are /vm/state and /vm/inspect` });
}

function answerInspect(
  request: IncomingMessage,
  response: ServerResponse,
  { inspection }: RestMachine,
): void {
  if (request.method === 'GET') reply(response, 200, inspection);
  else refuseMethod(response, 'GET');
}

async function answerState(
  request: IncomingMessage,
  response: ServerResponse,
  stopper: Stopper,
): Promise<void> {
  if (request.method === 'GET') reply(response, 200, stateOf(stopper));
  else if (request.method === 'POST') await changeState(request, response, stopper);
  else refuseMethod(response, 'GET, POST');
}

function refuseMethod(response: ServerResponse, allowed: string): void {
  response.setHeader('allow', allowed);
  reply(response, 405, { error: `use ${allowed.replace(', ', ' or ')}` });
}

function stateOf(stopper: Stopper): object {
  const isStopping = stopper.isStopping();
  return {
    state: `VirtualMachineState${isStopping ? 'Stopping' : 'Running'}`,
    canStart: false,
    canPause: false,
    canResume: false,
    canStop: stopper.canAsk && !isStopping,
    canHardStop: true,
  };
}

async function changeState(
  request: IncomingMessage,
  response: ServerResponse,
  stopper: Stopper,
): Promise<void> {
  const body = await readBody(request);
  if (body === undefined) {
    response.setHeader('connection', 'close');
    reply(response, 413, { error: `the body has more than ${MOST_BODY_BYTES} bytes` });
    return;
  }
  const wanted = wantedState(body);
  if (wanted === undefined) {
    reply(response, 400, { error: 'the body must be {"state":"Stop"} or {"state":"HardStop"}' });
  } else if (wanted === 'HardStop') {
    // The machine ends when the answer is on its way, and with it this process.
    response.once('finish', () => stopper.end());
    reply(response, 200, { ...stateOf(stopper), state: 'VirtualMachineStateStopping' });
  } else if (wanted !== 'Stop') {
    reply(response, 400, { error: `the state cannot be changed to ${wanted}; there are Stop and HardStop` });
  } else if (stopper.canAsk) {
    stopper.ask();
    reply(response, 200, stateOf(stopper));
  } else {
    reply(response, 501, { error: 'libkrun has no way to ask this guest to shut down; HardStop ends it' });
  }
}

function wantedState(body: string): string | undefined {
  try {
    const { state } = JSON.parse(body) as { readonly state?: unknown };
    return typeof state === 'string' ? state : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined;
    throw error;
  }
}

/** Undefined for more than is meant for us. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) {
    body += String(chunk);
    if (Buffer.byteLength(body) > MOST_BODY_BYTES) return undefined;
  }
  return body;
}

function reply(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

import http from 'node:http';
import { readBody, reply } from '../host/json-http.ts';
import type { Event } from '../plan/event.ts';
import type { Request } from '../plan/request.ts';
import { SUPERVISOR_ROUTES, type SupervisorVersion } from './api.ts';
import type { Supervisor } from './supervisor.ts';

/** A resolved project of some thousand machines stays far below. */
const MOST_BODY_BYTES = 64 * 1024 * 1024;
const NDJSON = { 'content-type': 'application/x-ndjson' };

export interface ServerOptions {
  readonly supervisor: Supervisor;
  readonly version: SupervisorVersion;
  /** Called at the begin and the end of everything that somebody waits for. */
  readonly clients: (change: 1 | -1) => void;
  /** Somebody wants another supervisor in this one's place; resolves just before this process ends. */
  readonly exit: () => Promise<void>;
  /**
   * A request is done and its client has been told. Where nothing is left, this ends the process, and only that ends
   * the answer: who has waited for `krun down` finds neither process nor socket.
   */
  readonly endIfEmpty: () => Promise<void>;
}

/** The HTTP interface of a supervisor; see api.ts. */
export function createServer(options: ServerOptions): http.Server {
  const server = http.createServer((request, response) => {
    handle(request, response, options).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else reply(response, 500, { error: String(error) });
    });
  });
  // A request takes as long as its machines do.
  server.requestTimeout = 0;
  server.timeout = 0;
  return server;
}

async function handle(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  options: ServerOptions,
): Promise<void> {
  const asked = `${request.method} ${request.url}`;
  const route = SUPERVISOR_ROUTES.find((one) => one === asked);
  if (route === 'GET /v1/events') {
    streamEvents(response, options.supervisor);
    return;
  }
  options.clients(1);
  response.once('close', () => options.clients(-1));
  switch (route) {
    case 'GET /v1/version':
      return reply(response, 200, options.version);
    case 'GET /v1/machines':
      return reply(response, 200, options.supervisor.machines());
    case 'POST /v1/requests':
      return streamRequest(request, response, options);
    case 'POST /v1/exit':
      await options.exit();
      response.writeHead(204, { connection: 'close' });
      response.end();
      return;
    case undefined:
      return reply(response, 404, { error: `no ${asked}` });
  }
}

async function streamRequest(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  { supervisor, endIfEmpty }: ServerOptions,
): Promise<void> {
  const text = await readBody(request, MOST_BODY_BYTES);
  const wanted = text === undefined ? undefined : parse(text);
  if (!wanted) return reply(response, 400, { error: 'the body is not a request' });
  response.writeHead(200, NDJSON);
  // At once: who has the headers knows that the request is in the queue.
  response.flushHeaders();
  // Nobody has to stay until the end.
  response.on('error', () => response.destroy());
  await supervisor.request(wanted, (event) => writeEvent(response, event));
  await flushed(response);
  await endIfEmpty();
  response.end();
}

/** Resolves when the client's side has everything, or is gone. */
function flushed(response: http.ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    if (response.destroyed) resolve();
    // A space between events means nothing.
    else response.write(' ', () => resolve());
  });
}

function streamEvents(response: http.ServerResponse, supervisor: Supervisor): void {
  response.writeHead(200, NDJSON);
  response.flushHeaders();
  const leave = supervisor.listen((event) => writeEvent(response, event));
  response.on('error', () => response.destroy());
  response.once('close', leave);
}

function writeEvent(response: http.ServerResponse, event: Event): void {
  if (!response.destroyed) response.write(`${JSON.stringify(event)}\n`);
}

/** Only the user's own krun can reach the socket; the check is for mistakes. */
function parse(text: string): Request | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && 'type' in value ? (value as Request) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

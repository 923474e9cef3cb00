import { createServer, type Server, type Socket } from 'node:net';
import { chmodSync, rmSync } from 'node:fs';
import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import { SESSION_REQUEST_START } from '../session/handshake.ts';

/** Everything that the socket answers; docs/openapi.yaml describes it. */
export const CONTROL_ROUTES = [
  'GET /vm/state',
  'POST /vm/state',
  'GET /vm/inspect',
  'POST /sessions',
] as const;

/** What the socket's clients can do to the machine. */
export interface MachineControl {
  isStopping(): boolean;
  /** Asks the guest to end; the signal is the machine's own unless named. */
  stop(signal?: string): void;
  /** Ends the machine at once. */
  hardStop(): void;
  /** The virtual machine in vfkit's words, without secrets. */
  inspect(): Promise<object>;
  /** Serves a connection that asks for a session; nothing of it has been read. */
  session(socket: Socket): Promise<void>;
}

/** A body is `{"state":"Stop"}`; more is not meant for us. */
const MOST_BODY_BYTES = 4096;

/**
 * krunkit's REST interface on a unix socket: `GET /vm/state`, `POST /vm/state` with `Stop` or `HardStop`, and vfkit's
 * `GET /vm/inspect`. krun's extensions are `"signal"` beside `Stop`, and sessions (src/session/api.ts).
 */
export async function serveControl(socketPath: string, control: MachineControl): Promise<Server> {
  rmSync(socketPath, { force: true });
  let http: Promise<HttpServer> | undefined;
  const server = createServer((socket) => {
    // HTTP is loaded with the first client, not before the guest's start.
    socket.on('error', () => socket.destroy());
    peek(socket, (isSession) => {
      if (isSession) {
        control.session(socket).catch((error: unknown) => {
          process.stderr.write(`krun: a session could not be served: ${String(error)}\n`);
          socket.destroy();
        });
        return;
      }
      http ??= import('node:http').then(({ createServer }) =>
        createServer((request, response) => {
          answer(request, response, control).catch(() => response.destroy());
        }),
      );
      http
        .then((parser) => {
          parser.emit('connection', socket);
          // It was paused by hand, which only an equal word undoes.
          socket.resume();
        })
        .catch(() => socket.destroy());
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socketPath, () => {
      server.off('error', reject);
      resolve();
    });
  });
  chmodSync(socketPath, 0o600);
  return server;
}

/** Looks at the first bytes of a connection, which stay to be read. */
function peek(socket: Socket, found: (isSession: boolean) => void): void {
  let text = '';
  const take = (chunk: Buffer): void => {
    text += chunk.toString('latin1');
    const isSession = text.startsWith(SESSION_REQUEST_START);
    if (!isSession && SESSION_REQUEST_START.startsWith(text)) return;
    socket.off('data', take).pause();
    socket.unshift(Buffer.from(text, 'latin1'));
    found(isSession);
  };
  socket.on('data', take);
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  control: MachineControl,
): Promise<void> {
  const path = (request.url ?? '').split('?')[0]?.replace(/\/$/, '');
  const methods = CONTROL_ROUTES.map((route) => route.split(' ')).filter(([, known]) => known === path);
  const route = CONTROL_ROUTES.find((one) => one === `${request.method} ${path}`);
  if (methods.length === 0) return reply(response, 404, { error: `no such path: ${path}` });
  switch (route) {
    case undefined:
      return reply(response, 405, { error: `use ${methods.map(([method]) => method).join(' or ')}` });
    case 'GET /vm/state':
      return reply(response, 200, stateBody(control.isStopping()));
    case 'GET /vm/inspect':
      return reply(response, 200, await control.inspect());
    case 'POST /vm/state':
      return changeState(request, response, control);
    case 'POST /sessions':
      // The first request of a connection never gets here.
      return reply(response, 400, {
        kind: 'invalid',
        error: 'a session is the first request of its connection',
      });
  }
}

async function changeState(
  request: IncomingMessage,
  response: ServerResponse,
  control: MachineControl,
): Promise<void> {
  const wanted = parseBody(await readBody(request));
  switch (wanted?.state) {
    case 'Stop':
      control.stop(wanted.signal);
      return reply(response, 200, stateBody(control.isStopping()));
    case 'HardStop':
      response.once('close', () => control.hardStop());
      return reply(response, 200, stateBody(true));
    case undefined:
      return reply(response, 400, { error: "missing or invalid 'state' field" });
    default:
      return reply(response, 400, { error: `unsupported state change: ${wanted?.state}` });
  }
}

function stateBody(isStopping: boolean): object {
  return {
    state: isStopping ? 'VirtualMachineStateStopping' : 'VirtualMachineStateRunning',
    canStart: false,
    canPause: false,
    canResume: false,
    canStop: !isStopping,
    canHardStop: true,
  };
}

function reply(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > MOST_BODY_BYTES) return '';
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseBody(text: string): { readonly state: string; readonly signal?: string } | undefined {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  if (typeof body !== 'object' || body === null) return undefined;
  const { state, signal } = body as { readonly state?: unknown; readonly signal?: unknown };
  if (typeof state !== 'string') return undefined;
  // The name becomes a word in the guest's shell script.
  return typeof signal === 'string' && /^(SIG)?[A-Z0-9+-]{1,12}$/.test(signal)
    ? { state, signal }
    : { state };
}

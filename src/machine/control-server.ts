import { createServer, type Server, type Socket } from 'node:net';
import { chmodSync, rmSync } from 'node:fs';
import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import { reply } from '../host/json-http.ts';
import { SESSION_REQUEST_START } from '../session/handshake.ts';
import { answerVm, pathOf, refuse, VM_ROUTES, type VmControl } from './vm-rest.ts';

/** Everything that the socket answers; docs/openapi.yaml describes it. */
export const CONTROL_ROUTES: readonly string[] = [...VM_ROUTES, 'POST /sessions'];

/** What the socket's clients can do to the machine. */
export interface MachineControl extends VmControl {
  /** Serves a connection that asks for a session; nothing of it has been read. */
  session(socket: Socket): Promise<void>;
}

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
  if (pathOf(request) !== '/sessions') return answerVm(request, response, control, CONTROL_ROUTES);
  if (request.method !== 'POST') return refuse(response, '/sessions', CONTROL_ROUTES);
  // The first request of a connection never gets here.
  const error = 'a session is the first request of its connection';
  return reply(response, 400, { kind: 'invalid', error });
}

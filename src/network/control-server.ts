import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { pipeline, type Duplex } from 'node:stream';
import { err } from '../base/result.ts';
import { readBody, reply } from '../host/json-http.ts';
import type { Network } from './network.ts';
import { parseMember } from './member-body.ts';
import { listenAt } from './socket-place.ts';

/** A member with all ports of a host is smaller. */
const MOST_BODY_BYTES = 8 * 1024 * 1024;

/** Serves api.ts on a unix socket. */
export async function serveControl(socketPath: string, network: Network, stop: () => void): Promise<Server> {
  const server = createServer((request, response) => {
    answer(request, response, network, stop).catch((error: unknown) => {
      const message = `Internal error: ${error instanceof Error ? (error.stack ?? error.message) : 'unknown'}`;
      if (response.headersSent) response.destroy();
      else reply(response, 500, { message });
    });
  });
  server.on('upgrade', (request, socket: Duplex, head) => {
    serveTunnel(request, socket, head, network).catch(() => socket.destroy());
  });
  await listenAt(server, socketPath);
  return server;
}

/** `GET /members/NAME/ports/PORT` */
async function serveTunnel(
  request: IncomingMessage,
  client: Duplex,
  head: Buffer,
  network: Network,
): Promise<void> {
  const gone = new AbortController();
  client.once('close', () => gone.abort());
  client.on('error', () => client.destroy());
  const [, encoded = '', port = ''] = /^\/members\/([^/]+)\/ports\/(\d{1,5})$/.exec(request.url ?? '') ?? [];
  const name = decode(encoded);
  const outcome = name
    ? await network.connect(name, Number(port), gone.signal)
    : err({ message: `no such request: ${request.url}` });
  if (!outcome.ok) {
    const body = JSON.stringify(outcome.error);
    const status = name ? '409 Conflict' : '404 Not Found';
    const length = Buffer.byteLength(body);
    client.end(`HTTP/1.1 ${status}\r\nContent-Length: ${length}\r\nConnection: close\r\n\r\n${body}`);
    return;
  }
  const guest = outcome.value;
  client.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: krun-tunnel\r\nConnection: Upgrade\r\n\r\n');
  if (head.length > 0) client.unshift(head);
  // Either direction ends by itself; an error in one ends both.
  const end = (error?: Error | null): void => {
    if (!error) return;
    client.destroy();
    guest.destroy();
  };
  pipeline(client, guest, end);
  pipeline(guest, client, end);
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  network: Network,
  stop: () => void,
): Promise<void> {
  const { method = 'GET' } = request;
  const [path = ''] = (request.url ?? '').split('?');
  const member = memberOf(path);
  const route = member === undefined ? `${method} ${path}` : `${method} /members/NAME`;
  switch (route) {
    case 'GET /state':
      return reply(response, 200, network.state());
    case 'PUT /members/NAME':
      return putMember(request, response, { network, name: member ?? '' });
    case 'DELETE /members/NAME':
      await network.deleteMember(member ?? '');
      return reply(response, 204);
    case 'POST /stop':
      response.once('close', stop);
      return reply(response, 202, {});
    default:
      return reply(response, 404, { message: `no such request: ${method} ${path}` });
  }
}

async function putMember(
  request: IncomingMessage,
  response: ServerResponse,
  { network, name }: { readonly network: Network; readonly name: string },
): Promise<void> {
  const text = await readBody(request, MOST_BODY_BYTES);
  const member = text === undefined ? 'the body is too long' : parseMember(text);
  if (typeof member === 'string') return reply(response, 400, { message: member });
  const outcome = await network.putMember(name, member);
  if (outcome.ok) reply(response, 200, outcome.value);
  else reply(response, 409, outcome.error);
}

/** NAME of `/members/NAME`. */
function memberOf(path: string): string | undefined {
  const [, encoded] = /^\/members\/([^/]+)$/.exec(path) ?? [];
  return encoded === undefined ? undefined : decode(encoded);
}

function decode(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

import http from 'node:http';
import type net from 'node:net';
import type { Duplex } from 'node:stream';
import type { Probe } from '../project/project.ts';
import type { ProbeResult } from './health-judgement.ts';
import { connectRoute, type Route } from './health-route.ts';

type HttpProbe = Extract<Probe, { kind: 'http' }>;

/** As much of an answer as is shown. */
const MOST_OUTPUT_BYTES = 2048;

/** Asks the guest's web server; a status from 200 to 399 is a success. */
export async function probeByRequest(
  route: Route,
  probe: HttpProbe,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const connected = await connectRoute(route, signal);
  if (!connected.ok) return failed(connected.error);
  const socket = connected.value;
  const abort = (): void => void socket.destroy();
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await ask(await stream(socket, probe), probe);
  } catch (error) {
    signal.throwIfAborted();
    return failed(`port ${probe.port} does not speak ${probe.scheme.toUpperCase()}: ${reasonOf(error)}`);
  } finally {
    signal.removeEventListener('abort', abort);
    socket.destroy();
  }
}

/** Any certificate will do: that of a server under development is rarely one that the host knows. */
async function stream(socket: net.Socket, { scheme, host }: HttpProbe): Promise<Duplex> {
  if (scheme === 'http') return socket;
  const tls = await import('node:tls');
  const servername = isName(host) ? { servername: host } : {};
  const secure = tls.connect({ socket, rejectUnauthorized: false, ...servername });
  await new Promise<void>((resolve, reject) => {
    secure.once('secureConnect', resolve);
    secure.once('error', reject);
    secure.once('close', () => reject(new Error('it closed the connection')));
  });
  return secure;
}

function ask(connection: Duplex, { scheme, host, port, path }: HttpProbe): Promise<ProbeResult> {
  const usual = scheme === 'https' ? 443 : 80;
  const headers = {
    host: port === usual ? host : `${host}:${port}`,
    'user-agent': 'krun',
    accept: '*/*',
    connection: 'close',
  };
  return new Promise((resolve, reject) => {
    // Without `agent`: an agent would make a connection of its own.
    const request = http.request({ createConnection: () => connection, path, headers });
    request.once('error', reject);
    // Not 'end' of the answer: a body may have none.
    request.once('response', (response) => {
      const status = response.statusCode ?? 0;
      if (status >= 200 && status < 400) {
        response.destroy();
        resolve({ ok: true });
        return;
      }
      const message = `GET ${path} answered ${status} ${response.statusMessage ?? ''}`.trimEnd();
      void beginning(response).then((output) => resolve(failed(message, output)));
    });
    request.end();
  });
}

async function beginning(response: http.IncomingMessage): Promise<string> {
  let text = '';
  response.setEncoding('utf8');
  try {
    for await (const chunk of response as AsyncIterable<string>) {
      text += chunk;
      if (text.length >= MOST_OUTPUT_BYTES) break;
    }
  } catch {
    // The status has been said; how the rest broke off adds nothing.
  }
  return text.slice(0, MOST_OUTPUT_BYTES).trim();
}

function failed(message: string, output = ''): ProbeResult {
  return { ok: false, failure: output === '' ? { message } : { message, output } };
}

function isName(host: string): boolean {
  return /[a-z]/i.test(host) && !host.includes(':');
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === 'ECONNRESET' ? 'it closed the connection' : message;
}

import { chmodSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isIP, type AddressInfo } from 'node:net';
import { errorDiagnostic, type Diagnostic } from '../base/diagnostic.ts';
import { err, ok, type Result } from '../base/result.ts';
import { errnoOf } from '../host/errno.ts';
import { reply } from '../host/json-http.ts';
import { answerVm, type VmControl } from '../machine/vm-rest.ts';
import type { RestfulUri } from './options.ts';
import { clearSocketPlace } from './sockets.ts';

/** A REST service that runs, and where. */
export interface RestService {
  readonly server: Server;
  /** `tcp://127.0.0.1:8081`, `unix:///path`. */
  readonly uri: string;
}

/** krunkit's REST service. A unix socket is its owner's only. */
export async function serveRest(
  uri: Exclude<RestfulUri, { kind: 'none' }>,
  control: VmControl,
): Promise<Result<RestService, Diagnostic>> {
  const problem = uri.kind === 'unix' ? clearSocketPlace(uri.path, 'the REST socket') : undefined;
  if (problem) return err(problem);
  const server = createServer((request, response) => {
    answer(request, response, { control, isTcp: uri.kind === 'tcp' }).catch(() => response.destroy());
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
  { control, isTcp }: { readonly control: VmControl; readonly isTcp: boolean },
): Promise<void> {
  // A page in a browser must not stop machines; programs that are no browser do not send this.
  if (request.headers.origin !== undefined)
    return reply(response, 403, { error: 'requests of web pages are not answered' });
  if (isTcp && !isAddress(request.headers.host)) {
    const error = 'requests by name are not answered but for localhost: use an address of this host';
    return reply(response, 403, { error });
  }
  return answerVm(request, response, control);
}

/** Whoever has a page can let its name lead here, and no address. */
function isAddress(host = 'localhost'): boolean {
  const name = host.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1');
  return /^localhost$/i.test(name) || isIP(name) !== 0;
}

import net from 'node:net';
import { pipeline } from 'node:stream';

/** A guest that exists answers sooner, whatever it says. */
const CONNECT_MS = 10_000;

/** Where connections lead, and where they come in. */
export interface TcpForward {
  readonly listen: { readonly host: string; readonly port: number } | { readonly path: string };
  readonly guestIp: string;
  readonly guestPort: number;
}

export interface Forwarder {
  close(): Promise<void>;
}

/** Listens and passes each connection on to the guest. Rejects with the system's error when it cannot listen. */
export async function forwardTcp(forward: TcpForward): Promise<Forwarder> {
  const clients = new Set<net.Socket>();
  // A half-closed connection still carries what the other half has to say.
  const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (client) => {
    clients.add(client);
    client.once('close', () => clients.delete(client));
    join(client, forward);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ ...forward.listen, exclusive: true }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  // Out of file descriptors, say: the port stays, and the next connection may find one.
  server.on('error', () => undefined);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const client of clients) reset(client);
      }),
  };
}

function join(client: net.Socket, { guestIp, guestPort }: TcpForward): void {
  const guest = net.connect({ host: guestIp, port: guestPort, allowHalfOpen: true, noDelay: true });
  const timer = setTimeout(() => guest.destroy(), CONNECT_MS);
  const end = (): void => {
    clearTimeout(timer);
    reset(client);
    reset(guest);
  };
  // The client learns of a guest that refuses as if it had connected to the guest itself.
  guest.once('close', () => {
    if (guest.connecting || !isJoined) end();
  });
  guest.on('error', end);
  client.on('error', end);
  client.once('close', () => {
    if (!isJoined) end();
  });
  let isJoined = false;
  guest.once('connect', () => {
    clearTimeout(timer);
    isJoined = true;
    // Either direction ends by itself; an error in one ends both.
    pipeline(client, guest, (error) => error && end());
    pipeline(guest, client, (error) => error && end());
  });
}

/** Ends with RST, so that nobody takes a broken connection for a finished one; unix sockets have no such thing. */
function reset(socket: net.Socket): void {
  if (socket.destroyed) return;
  if (socket.remoteAddress === undefined) socket.destroy();
  else socket.resetAndDestroy();
}

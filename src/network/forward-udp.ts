import dgram from 'node:dgram';
import { isIPv6 } from 'node:net';
import { errnoOf } from '../host/errno.ts';
import type { Forwarder } from './forward-tcp.ts';

export interface UdpForward {
  readonly listen: { readonly host: string; readonly port: number };
  readonly guestIp: string;
  readonly guestPort: number;
  /** A client that is silent for so long is forgotten. Default: 90 s, as gvproxy does. */
  readonly idleMs?: number;
}

const IDLE_MS = 90_000;
/** Clients at a time; the one that was silent for longest makes room. */
const MOST_SESSIONS = 1024;
/** Datagrams that wait for a session to open: a few milliseconds' worth. */
const MOST_WAITING = 16;

/** Listens and passes datagrams on to the guest, and its answers back to whoever asked. */
export async function forwardUdp(forward: UdpForward): Promise<Forwarder> {
  const { host, port } = forward.listen;
  const server = dgram.createSocket({ type: isIPv6(host) ? 'udp6' : 'udp4' });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      server.close();
      reject(error);
    });
    server.bind({ address: host, port, exclusive: true }, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
  // An answer that cannot be delivered is lost, as any datagram may be.
  server.on('error', () => undefined);
  const sessions = new Sessions(server, forward);
  server.on('message', (message, from) => {
    // Nobody can be answered at port 0, which only forged datagrams come from.
    if (from.port !== 0) sessions.take(message, from);
  });
  return {
    close: () =>
      new Promise((resolve) => {
        sessions.close();
        server.close(() => resolve());
      }),
  };
}

/** One socket to the guest for each client, so that the answers of one never reach another. */
class Sessions {
  readonly #server: dgram.Socket;
  readonly #forward: UdpForward;
  /** In the order of their last datagram. */
  readonly #sessions = new Map<string, Session>();
  readonly #idleMs: number;
  readonly #sweep: NodeJS.Timeout;

  constructor(server: dgram.Socket, forward: UdpForward) {
    this.#server = server;
    this.#forward = forward;
    this.#idleMs = forward.idleMs ?? IDLE_MS;
    this.#sweep = setInterval(() => this.#forgetIdle(), this.#idleMs / 4);
    this.#sweep.unref();
  }

  take(message: Buffer, from: dgram.RemoteInfo): void {
    const key = `${from.address} ${from.port}`;
    const session = this.#sessions.get(key) ?? this.#open(key, from);
    this.#touch(key, session);
    session.send(message);
  }

  close(): void {
    clearInterval(this.#sweep);
    for (const session of this.#sessions.values()) session.close();
    this.#sessions.clear();
  }

  #open(key: string, from: dgram.RemoteInfo): Session {
    if (this.#sessions.size >= MOST_SESSIONS) {
      const [oldest] = this.#sessions.keys();
      if (oldest !== undefined) this.#forget(oldest);
    }
    const session = new Session(this.#forward, {
      answer: (message) => {
        this.#touch(key, session);
        this.#server.send(message, from.port, from.address);
      },
      ended: () => this.#forget(key),
    });
    return session;
  }

  #touch(key: string, session: Session): void {
    this.#sessions.delete(key);
    this.#sessions.set(key, session);
    session.usedAt = performance.now();
  }

  #forget(key: string): void {
    this.#sessions.get(key)?.close();
    this.#sessions.delete(key);
  }

  #forgetIdle(): void {
    const oldest = performance.now() - this.#idleMs;
    for (const [key, { usedAt }] of this.#sessions) {
      if (usedAt > oldest) return;
      this.#forget(key);
    }
  }
}

interface SessionEvents {
  readonly answer: (message: Buffer) => void;
  readonly ended: () => void;
}

class Session {
  readonly #socket: dgram.Socket;
  #waiting: Buffer[] | undefined = [];
  #isOpen = true;
  usedAt = 0;

  constructor({ guestIp, guestPort }: UdpForward, events: SessionEvents) {
    this.#socket = dgram.createSocket(isIPv6(guestIp) ? 'udp6' : 'udp4');
    this.#socket.on('message', events.answer);
    this.#socket.on('error', (error) => {
      // Nobody listens in the guest yet; the next datagram may find somebody.
      if (errnoOf(error) !== 'ECONNREFUSED') events.ended();
    });
    this.#socket.connect(guestPort, guestIp, (error?: Error) => {
      // There is no way to the guest now, and no error event; the next datagram tries again.
      if (error) return events.ended();
      const waiting = this.#waiting ?? [];
      this.#waiting = undefined;
      for (const message of waiting) this.send(message);
    });
  }

  send(message: Buffer): void {
    if (!this.#isOpen) return;
    if (!this.#waiting) this.#socket.send(message);
    else if (this.#waiting.length < MOST_WAITING) this.#waiting.push(message);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#socket.close();
  }
}

import { fchmodSync, write } from 'node:fs';
import net from 'node:net';
import { errnoOf } from '../host/errno.ts';
import { openPty, terminalName } from '../host/pty.ts';
import type { UserEnds } from './console-ends.ts';
import { linkTerminalAtPlace, listenAtPlace } from './host-places.ts';
import { RecentBytes } from './recent-bytes.ts';
import { TerminalEnd } from './terminal-end.ts';

/** So much of what the guest wrote is kept while nobody reads; a guest shall not stand still for that. */
const KEPT_BYTES = 64 * 1024;

/**
 * Joins the user's own console ports with sockets and terminals of the host; `ownLink` is krun's own link to the
 * terminal of a port. Throws StartFailure.
 */
export async function serveUserPorts(
  users: readonly UserEnds[],
  ownLink: (port: string) => string,
): Promise<void> {
  for (const { port, end } of users) {
    if ('master' in end) await linkTerminalAtPlace(port.path, ownLink(port.name), serveTerminal(end.master));
    else await serveSocket(port.path, end);
  }
}

async function serveSocket(file: string, end: { input: number; output: number }): Promise<void> {
  const relay = new SocketRelay(end);
  const server = net.createServer({ allowHalfOpen: true }, (client) => relay.take(client));
  await listenAtPlace(server, file);
}

/** A port and the one client that has it. */
class SocketRelay {
  readonly #toGuest: net.Socket;
  readonly #fromGuest: net.Socket;
  readonly #kept = new RecentBytes(KEPT_BYTES);
  #client: net.Socket | undefined;

  constructor({ input, output }: { readonly input: number; readonly output: number }) {
    this.#toGuest = new net.Socket({ fd: input, readable: false, writable: true });
    this.#fromGuest = new net.Socket({ fd: output, readable: true, writable: false });
    for (const socket of [this.#toGuest, this.#fromGuest]) socket.on('error', tell);
    this.#fromGuest.on('data', (chunk: Buffer) => this.#onOutput(chunk));
  }

  /** Gives the port to a client, unless another has it. Who has ended its input makes room for the next one. */
  take(client: net.Socket): void {
    client.on('error', () => undefined);
    if (this.#client && !this.#client.readableEnded) {
      client.destroy();
      return;
    }
    this.#client?.destroy();
    this.#client = client;
    this.#fromGuest.resume();
    client.on('close', () => this.#release(client));
    client.on('data', (chunk) => {
      if (this.#toGuest.write(chunk)) return;
      client.pause();
      this.#toGuest.once('drain', () => client.resume());
    });
    if (this.#kept.length > 0) this.#onOutput(this.#kept.take());
  }

  #onOutput(chunk: Buffer): void {
    const client = this.#client;
    if (!client) {
      this.#kept.add(chunk);
    } else if (!client.write(chunk, (error) => error && this.#onLost(client, chunk))) {
      // A client that is slow holds the guest back; one that has gone does not.
      this.#fromGuest.pause();
      client.once('drain', () => this.#fromGuest.resume());
    }
  }

  /** A client that has exited looks like one that has ended its input, until it is written to. */
  #onLost(client: net.Socket, chunk: Buffer): void {
    this.#release(client);
    this.#onOutput(chunk);
  }

  #release(client: net.Socket): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    this.#fromGuest.resume();
  }
}

/**
 * Between the guest's terminal and one of the host's own, so that a guest whose terminal nobody reads goes on. Returns
 * the name of the host's.
 */
function serveTerminal(guestMaster: number): string {
  // The slave stays open here: else the master would fail whenever a program of the host closes it.
  const { master, slave } = openPty(24, 80);
  fchmodSync(slave, 0o600);
  const guest = new TerminalEnd(0, guestMaster);
  const host = new TerminalEnd(0, master);
  const toHost = new TerminalWriter(master);
  guest.use((chunk) => toHost.write(chunk));
  host.use((chunk) => {
    host.pause();
    guest.write(chunk, () => host.resume());
  });
  return terminalName(slave);
}

const FIRST_RETRY_MS = 10;
const LONGEST_RETRY_MS = 500;

/** Writes to a terminal whose reader may be slow, or not there: nothing tells when there is room again. */
class TerminalWriter {
  readonly #master: number;
  readonly #kept = new RecentBytes(KEPT_BYTES);
  #isWriting = false;
  #retryMs = FIRST_RETRY_MS;

  constructor(master: number) {
    this.#master = master;
  }

  write(chunk: Buffer): void {
    this.#kept.add(chunk);
    if (!this.#isWriting) this.#next();
  }

  #next(): void {
    this.#isWriting = this.#kept.length > 0;
    if (!this.#isWriting) return;
    const bytes = this.#kept.take();
    write(this.#master, bytes, (error, written) => {
      if (error && errnoOf(error) !== 'EAGAIN') {
        this.#isWriting = false;
        tell(error);
        return;
      }
      if (written < bytes.length) this.#kept.putBack(bytes.subarray(written));
      this.#retryMs = error ? Math.min(LONGEST_RETRY_MS, this.#retryMs * 2) : FIRST_RETRY_MS;
      if (error) setTimeout(() => this.#next(), this.#retryMs);
      else this.#next();
    });
  }
}

function tell(error: Error): void {
  process.stderr.write(`krun: a console port: ${error.message}\n`);
}

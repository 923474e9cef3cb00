import net from 'node:net';
import { rm } from 'node:fs/promises';
import { errnoOf, systemHint } from '../host/errno.ts';
import { LONGEST_SOCKET_PATH } from '../project/socket-path.ts';
import type { Refusal } from './api.ts';
import { listenAt } from './socket-place.ts';

interface Link {
  readonly path: string;
  readonly server: net.Server;
}

/** The sockets where the members' libkrun connect. */
export class Links {
  readonly #attach: (member: string, socket: net.Socket) => void;
  readonly #links = new Map<string, Link>();

  constructor(attach: (member: string, socket: net.Socket) => void) {
    this.#attach = attach;
  }

  /** Listens for a member at a path. One that the member has already stays open, with its connection. */
  async open(member: string, path: string): Promise<Refusal | undefined> {
    if (this.#links.get(member)?.path === path) return undefined;
    const bytes = Buffer.byteLength(path);
    if (bytes > LONGEST_SOCKET_PATH) {
      return {
        message: `the socket path ${path} has ${bytes} bytes; the system takes ${LONGEST_SOCKET_PATH}`,
        hint: 'set XDG_RUNTIME_DIR to a short path',
      };
    }
    const server = net.createServer((socket) => this.#attach(member, socket));
    try {
      await listenAt(server, path);
    } catch (error) {
      const code = errnoOf(error);
      if (code === undefined) throw error;
      const hint = systemHint(code);
      const message = `machine ${member}: the socket of its link cannot be made: ${(error as Error).message}`;
      return { message, ...(hint === undefined ? {} : { hint }) };
    }
    // Out of file descriptors, say: the socket stays, and a later connection may find one.
    server.on('error', () => undefined);
    await this.close(member);
    this.#links.set(member, { path, server });
    return undefined;
  }

  /** Stops listening for a member; its connection is the switch's. */
  async close(member: string): Promise<void> {
    const link = this.#links.get(member);
    if (!link) return;
    this.#links.delete(member);
    // Waits for no connection to end: that may be long.
    link.server.close();
    await rm(link.path, { force: true });
  }

  async closeAll(): Promise<void> {
    for (const member of this.#links.keys()) await this.close(member);
  }
}

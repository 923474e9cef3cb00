import type net from 'node:net';
import { err, ok, type Result } from '../base/result.ts';
import type { Refusal } from './api.ts';
import type { GvproxyApi } from './gvproxy-api.ts';
import type { Handshakes } from './handshakes.ts';

export interface TunnelTarget {
  readonly ip: string;
  readonly port: number;
  /** Of the guest that has the address. */
  readonly handshakes: Handshakes;
  /** Aborted when nobody wants the connection any more. */
  readonly signal: AbortSignal;
}

/** Opens a connection to a guest's port through gvproxy; resolves when the guest has accepted, or will not. */
export async function openGuestTunnel(
  api: GvproxyApi,
  { ip, port, handshakes, signal }: TunnelTarget,
): Promise<Result<net.Socket, Refusal>> {
  let forget: () => void = () => undefined;
  // Before the tunnel is asked for: the guest may be quicker than gvproxy's answer.
  const accepted = new Promise<'accepted'>((resolve) => {
    forget = handshakes.onAccept(port, () => resolve('accepted'));
  });
  try {
    const socket = await api.tunnel(ip, port);
    const ended = new Promise<'ended'>((resolve) => {
      const end = (): void => resolve('ended');
      socket.once('close', end);
      signal.addEventListener('abort', end, { once: true });
      if (signal.aborted) end();
      // Its end is only seen by who reads; what comes before is kept.
      socket.once('readable', () => {
        if (socket.readableLength === 0) end();
      });
    });
    if ((await Promise.race([accepted, ended])) === 'accepted') {
      socket.removeAllListeners('readable');
      return ok(socket);
    }
    socket.destroy();
    return err({ message: `nothing listens on port ${port}` });
  } catch (error) {
    return err({ message: (error as Error).message });
  } finally {
    forget();
  }
}

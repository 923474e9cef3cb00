import type net from 'node:net';
import type { ProbeResult } from './health-judgement.ts';
import { connectRoute, type Route } from './health-route.ts';

/** Whoever accepts in a guest's place has heard from it by then, unless the guest is silent. */
const SETTLE_MS = 150;

/** Connects to a port of the guest. */
export async function probeByConnection(
  route: Route,
  port: number,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const connected = await connectRoute(route, signal);
  if (!connected.ok) return { ok: false, failure: { message: connected.error } };
  const socket = connected.value;
  try {
    if (route.kind !== 'published' || (await staysOpen(socket))) return { ok: true };
    return { ok: false, failure: { message: `nothing listens on port ${port}` } };
  } finally {
    socket.destroy();
  }
}

/** Whether the other side says something, or at least does not hang up at once. */
function staysOpen(socket: net.Socket): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(true), SETTLE_MS);
    const settle = (isOpen: boolean): void => {
      clearTimeout(timer);
      resolve(isOpen);
    };
    socket.once('data', () => settle(true));
    socket.once('end', () => settle(false));
    socket.once('close', () => settle(false));
  });
}

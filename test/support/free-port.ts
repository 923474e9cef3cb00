import { once } from 'node:events';
import { connect } from 'node:net';

/** Below the ports that systems choose by themselves: no connection and no other test's server gets one of these. */
const [LOWEST, COUNT] = [12_000, 20_000];
const given = new Set<number>();

/**
 * A port of 127.0.0.1 on which nobody listens, a new one each time. It is not bound to find that out: a process that
 * another thread forks at that moment would have it for a while.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = LOWEST + Math.floor(Math.random() * COUNT);
    if (given.has(port) || (await accepts(port))) continue;
    given.add(port);
    return port;
  }
}

/** Whether something accepts TCP connections at a port of the loopback. */
export async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') return false;
    throw error;
  } finally {
    socket.destroy();
  }
}

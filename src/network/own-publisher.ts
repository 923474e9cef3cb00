import { errnoOf } from '../host/errno.ts';
import type { Refusal } from './api.ts';
import { forwardKey, type Forward } from './forward.ts';
import { forwardTcp, type Forwarder } from './forward-tcp.ts';
import { forwardUdp } from './forward-udp.ts';
import { portRefusal } from './port-refusal.ts';
import type { Publisher } from './published-ports.ts';
import { clearSocketPlace, protectSocket, removeSocket } from './socket-place.ts';

/** Opens the ports in this process, for guests that the host itself reaches. */
export class OwnPublisher implements Publisher {
  readonly #open = new Map<string, Forwarder>();

  async publish(forward: Forward): Promise<Refusal | undefined> {
    if (forward.protocol === 'unix') {
      const problem = await clearSocketPlace(forward.socket);
      if (problem) return problem;
    }
    try {
      this.#open.set(forwardKey(forward), await openForward(forward));
    } catch (error) {
      const code = errnoOf(error);
      if (code === undefined) throw error;
      return portRefusal(forward, code, (error as Error).message);
    }
    return undefined;
  }

  async withdraw(forward: Forward): Promise<void> {
    const key = forwardKey(forward);
    await this.#open.get(key)?.close();
    this.#open.delete(key);
    if (forward.protocol === 'unix') await removeSocket(forward.socket);
  }
}

async function openForward(forward: Forward): Promise<Forwarder> {
  const { guestIp, guestPort, protocol } = forward;
  const guest = { guestIp, guestPort };
  if (protocol === 'unix') {
    const forwarder = await forwardTcp({ listen: { path: forward.socket }, ...guest });
    await protectSocket(forward.socket);
    return forwarder;
  }
  const listen = { host: forward.hostIp, port: forward.hostPort };
  return protocol === 'udp' ? forwardUdp({ listen, ...guest }) : forwardTcp({ listen, ...guest });
}

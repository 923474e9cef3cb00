import { unreachable } from '../base/unreachable.ts';
import { bindProblem, portHolder, type BindProblem } from '../host/ports.ts';
import type { BoundHostPort, BoundPort } from '../network/api.ts';
import { ActionFailure } from './failure.ts';
import { portText } from './port-claims.ts';
import { describeHolder } from './port-holder.ts';

/**
 * Fails when a host port of the machine is taken. libkrun binds with SO_REUSEPORT and only when the guest listens:
 * without this check two machines would share a port's connections, and nobody would say so. `held` are ports that the
 * machine has bound already.
 */
export async function checkPorts(
  machine: string,
  ports: readonly BoundPort[],
  held: readonly BoundPort[] = [],
): Promise<void> {
  const own = new Set(held.map(bindingText));
  for (const port of ports) {
    if ('socket' in port || own.has(bindingText(port))) continue;
    const problem = await bindProblem(port.host, port.protocol, port.hostIp);
    if (problem !== undefined) throw await portFailure(machine, port, problem);
  }
}

async function portFailure(
  machine: string,
  port: BoundHostPort,
  problem: BindProblem,
): Promise<ActionFailure> {
  const { host, protocol, hostIp } = port;
  const what = `host port ${portText(port)} of machine ${machine}`;
  switch (problem) {
    case 'not-permitted':
      return new ActionFailure(`${what} is reserved for root`, 'publish a port from 1024 up');
    case 'no-such-address':
      return new ActionFailure(
        `${what} cannot be bound: ${hostIp} is not an address of this host`,
        'correct `host_ip`; `ip address` lists the addresses of the host',
      );
    case 'in-use': {
      const holder = await portHolder(host, protocol, hostIp);
      const by = holder ? await describeHolder(holder, host, protocol) : 'a process of another user';
      return new ActionFailure(`${what} is in use by ${by}`, 'stop that process or publish another port');
    }
    default:
      return unreachable(problem);
  }
}

function bindingText(port: BoundPort): string {
  return 'socket' in port ? port.socket : `${port.hostIp ?? ''} ${port.host}/${port.protocol}`;
}

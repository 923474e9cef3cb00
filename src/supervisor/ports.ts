import { createServer } from 'node:net';
import { errnoOf } from '../host/errno.ts';
import { portHolder, type PortHolder } from '../host/ports.ts';
import { describeProcess } from '../machine/holder.ts';
import type { Machine } from '../project/project.ts';
import { ActionFailure } from './failure.ts';

/**
 * Fails when a host port of the machine is taken. libkrun binds with SO_REUSEPORT and only when the guest listens:
 * without this check two machines would share a port's connections, and nobody would say so.
 */
export async function checkPorts(definition: Machine): Promise<void> {
  for (const port of definition.ports) {
    if (!('host' in port) || port.host === 'auto' || port.protocol !== 'tcp') continue;
    const { host, protocol } = port;
    const problem = await listenProblem(host);
    if (problem === undefined) continue;
    if (problem === 'EACCES') {
      throw new ActionFailure(
        `host port ${host} of machine ${definition.name} is reserved for root`,
        'publish a port from 1024 up',
      );
    }
    const holder = await portHolder(host, protocol);
    const by = holder ? describeHolder(holder) : 'a process of another user';
    throw new ActionFailure(
      `host port ${host} of machine ${definition.name} is in use by ${by}`,
      'stop that process or publish another port',
    );
  }
}

/** A machine of whatever project is known better by its name than as one more node. */
function describeHolder({ pid, name }: PortHolder): string {
  const text = process.platform === 'linux' ? describeProcess(pid) : '';
  return text.startsWith('machine ') ? text : `process ${pid} (${name})`;
}

function listenProblem(port: number): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => {
      const code = errnoOf(error);
      if (code === 'EADDRINUSE' || code === 'EACCES') resolve(code);
      else reject(error);
    });
    server.listen({ host: '0.0.0.0', port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

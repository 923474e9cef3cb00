import path from 'node:path';
import { lockPort, ownerText, portLockFile } from '../host/port-lock.ts';
import type { MachineFailure } from './failure.ts';
import type { MachineSpec } from './spec.ts';

/** Takes the host ports for the life of the process, against the other machines of the user. */
export function lockPorts({
  network,
  controlSocket,
  machine,
  project,
}: MachineSpec): MachineFailure | undefined {
  const owner = { machine, project, pid: process.pid };
  for (const port of network.hostPorts) {
    const lock = lockPort(portLockFile(path.dirname(controlSocket), port), owner);
    if (lock.held) continue;
    const by = lock.owner === undefined ? '' : ` by ${ownerText(lock.owner)}`;
    return {
      code: 'conflict',
      message: `host port ${port.host}${port.protocol === 'tcp' ? '' : `/${port.protocol}`} is in use${by}`,
      hint: 'stop that machine or publish another port',
    };
  }
  return undefined;
}

import path from 'node:path';
import { tryLock } from '../host/flock.ts';
import type { MachineFailure } from './failure.ts';
import { lockHolder } from './holder.ts';
import type { MachineSpec } from './spec.ts';

/**
 * Takes the host ports for the life of the process, against the other machines of the user. libkrun binds a port only
 * when the guest listens, and so that others can bind it too: of two machines that start at the same time, neither
 * would see the other's.
 */
export function lockPorts({ network, controlSocket }: MachineSpec): MachineFailure | undefined {
  // The projects' runtime directories have this one in common.
  const directory = path.dirname(path.dirname(controlSocket));
  for (const { host } of network.hostPorts) {
    const file = path.join(directory, `port-${host}`);
    if (tryLock(file, 'exclusive', true).held) continue;
    const holder = lockHolder(file);
    return {
      code: 'conflict',
      message: `host port ${host} is in use${holder === undefined ? '' : ` by ${holder}`}`,
      hint: 'stop that machine or publish another port',
    };
  }
  return undefined;
}

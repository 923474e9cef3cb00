import { rmSync } from 'node:fs';
import type { Descriptors } from '../libkrun/execute.ts';
import { openUserConsole, type UserEnds } from './console-ends.ts';
import { openDevices } from './device-ends.ts';
import { linkAtPlace } from './host-places.ts';
import type { MachineSpec } from './spec.ts';
import { serveUserPorts } from './user-ports.ts';

/**
 * Opens, and makes on the host, what belongs to the devices that few machines have; `users` are the ends of the user's
 * ports on the agent's console. Throws StartFailure.
 */
export async function openMoreDevices(
  { devices = {} }: MachineSpec,
  users: readonly UserEnds[],
): Promise<Descriptors> {
  const opened = openDevices(devices);
  const own = openUserConsole(devices.consolePorts ?? []);
  await serveUserPorts([...users, ...own.users]);
  for (const { path, link } of devices.vsock ?? []) {
    if (link === undefined) continue;
    // libkrun refuses a path that exists; only this machine uses it.
    rmSync(path, { force: true });
    await linkAtPlace(link, path, 'socket');
  }
  return { ...opened, ...own.descriptors };
}

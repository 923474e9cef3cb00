import { rmSync } from 'node:fs';
import path from 'node:path';
import type { Descriptors } from '../libkrun/execute.ts';
import { terminalLink } from '../store/layout.ts';
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
  { devices = {}, machine, controlSocket }: MachineSpec,
  users: readonly UserEnds[],
): Promise<Descriptors> {
  const opened = openDevices(devices);
  const own = openUserConsole(devices.consolePorts ?? []);
  const ownLink = (port: string): string =>
    terminalLink({ runtimeDirectory: path.dirname(controlSocket) }, machine, port);
  await serveUserPorts([...users, ...own.users], ownLink);
  for (const { path: socket, link } of devices.vsock ?? []) {
    if (link === undefined) continue;
    // libkrun refuses a path that exists; only this machine uses it.
    rmSync(socket, { force: true });
    await linkAtPlace(link, socket);
  }
  return { ...opened, ...own.descriptors };
}

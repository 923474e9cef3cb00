import { lstatSync, readlinkSync, rmSync, statSync, symlinkSync } from 'node:fs';
import type net from 'node:net';
import path from 'node:path';
import { errnoOf, ignoreErrno, systemHint, unlessMissingSync } from '../host/errno.ts';
import { clearSocketPlace, connectProblem, protectSocket, removeSocket } from '../network/socket-place.ts';
import type { Machine } from '../project/project.ts';
import { terminalLink, vsockSocket, type Layout } from '../store/layout.ts';
import { StartFailure, type MachineFailure } from './failure.ts';
import { addLastAct } from './last-acts.ts';

/*
 * Sockets and links that a machine has where the user wants them on the host. What a killed process left there is
 * removed by the supervisor, or gives way at the next start; anything else stays and is the reason of a refusal.
 */

/** What krun links to: {@link vsockSocket} and {@link terminalLink}. */
const OWN_TARGET = /\/[tv]-[0-9a-f]{16}$/;

/** Listens at a path of the user's, for this user alone. Throws {@link StartFailure}. */
export async function listenAtPlace(server: net.Server, file: string): Promise<void> {
  const refusal = await clearSocketPlace(file);
  if (refusal) throw new StartFailure({ code: 'io', ...refusal });
  await new Promise<void>((resolve, reject) => {
    // For good: also that a client cannot be accepted is an error, which goes with the client.
    server.on('error', (error) => reject(placeFailure(file, error)));
    server.listen(file, resolve);
  });
  await protectSocket(file);
  addLastAct('guest', () => rmSync(file, { force: true }));
}

/** Links to a socket, or to a link of krun's own, at a path of the user's. Throws {@link StartFailure}. */
export async function linkAtPlace(link: string, target: string): Promise<void> {
  const parent = path.dirname(link);
  if (!unlessMissingSync(() => statSync(parent))?.isDirectory())
    refuse(`${link}: ${parent} is not a directory`, 'make the directory first');
  const found = linkedTo(link);
  if (found === undefined && unlessMissingSync(() => lstatSync(link)))
    refuse(`${link} is there and was not made by krun`, 'move it away, or choose another path');
  if (found !== undefined && !OWN_TARGET.test(found))
    refuse(`${link} is a link to ${found}, which is not krun's`, 'remove it, or choose another path');
  if (found !== undefined && found !== target && (await isInUse(found)))
    refuse(`${link} is in use by another machine`, 'choose another path');
  makeLink(link, target);
}

/** Links to the terminal with that name. Throws {@link StartFailure}. */
export async function linkTerminalAtPlace(link: string, own: string, terminal: string): Promise<void> {
  makeLink(own, terminal);
  await linkAtPlace(link, own);
}

function makeLink(link: string, target: string): void {
  try {
    rmSync(link, { force: true });
    symlinkSync(target, link);
  } catch (error) {
    throw placeFailure(link, error as Error);
  }
  addLastAct('guest', () => removeLink(link, target));
}

/** Removes what a machine that has ended left at the user's paths. */
export async function clearMachinePlaces({ devices, name }: Machine, layout: Layout): Promise<void> {
  for (const { port, socket, listener } of devices?.vsock ?? []) {
    if (listener !== 'guest') continue;
    const target = vsockSocket(layout, name, port);
    removeLink(socket, target);
    await removeSocket(target);
  }
  for (const { kind, name: port, path: place } of devices?.consolePorts ?? []) {
    if (kind === 'terminal') {
      const own = terminalLink(layout, name, port);
      removeLink(place, own);
      rmSync(own, { force: true });
    } else if (!(await isServed(place))) await removeSocket(place);
  }
}

function removeLink(link: string, target: string): void {
  if (linkedTo(link) === target) rmSync(link, { force: true });
}

/** Where a link leads; undefined for anything else. */
function linkedTo(file: string): string | undefined {
  try {
    return readlinkSync(file);
  } catch (error) {
    // EINVAL: it is no link.
    ignoreErrno(error, 'ENOENT', 'ENOTDIR', 'EINVAL');
    return undefined;
  }
}

/** Whether a terminal is there, or somebody listens at a socket. */
async function isInUse(target: string): Promise<boolean> {
  const there = unlessMissingSync(() => statSync(target));
  return there?.isCharacterDevice() || (there !== undefined && (await isServed(target)));
}

async function isServed(file: string): Promise<boolean> {
  const problem = await connectProblem(file);
  return problem === undefined || problem === 'EAGAIN';
}

function refuse(message: string, hint: string): never {
  throw new StartFailure({ code: 'io', message, hint });
}

function placeFailure(file: string, error: Error): StartFailure {
  const code = errnoOf(error);
  if (code === undefined) throw error;
  const hint = systemHint(code);
  const failure: MachineFailure = { code: 'io', message: `cannot make ${file}: ${error.message}` };
  return new StartFailure(hint === undefined ? failure : { ...failure, hint });
}

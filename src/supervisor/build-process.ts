import { rmSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { readJsonIfPresent } from '../host/atomic-file.ts';
import { ignoreErrno, unlessMissing } from '../host/errno.ts';
import { isAlive, processIdentity, type Identity } from '../host/identity.ts';
import type { Layout } from '../store/layout.ts';

/*
 * A build leads a process group of its own, and a file says which: whoever comes after a supervisor that was killed ends
 * the group before anything is built again, so that no two builds ever make the same root.
 */

const SUFFIX = '.running';

/** Writes down a build that was just started. Returns the function that says that it has ended. */
export function noteBuild(layout: Layout, machine: string, pid: number): () => void {
  const file = path.join(layout.buildsDirectory, `${machine}${SUFFIX}`);
  try {
    writeFileSync(file, JSON.stringify(processIdentity(pid) ?? null), { mode: 0o600 });
  } catch (error) {
    // The build itself may still work: it need not write there.
    ignoreErrno(error, 'ENOSPC', 'EDQUOT');
  }
  return () => rmSync(file, { force: true });
}

/** Signals everything that a build started, unless it made process groups of its own. */
export function signalBuild(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // Nothing of it is left; macOS says EPERM for a group of zombies.
    ignoreErrno(error, 'ESRCH', 'EPERM');
  }
}

/** Ends the builds of a supervisor that was killed. */
export async function endLeftBuilds(layout: Layout): Promise<void> {
  const names = (await unlessMissing(readdir(layout.buildsDirectory))) ?? [];
  for (const name of names.filter((entry) => entry.endsWith(SUFFIX))) {
    const file = path.join(layout.buildsDirectory, name);
    const identity = (await readJsonIfPresent(file)) as Identity | null | undefined;
    if (identity && isAlive(identity)) signalBuild(identity.pid, 'SIGKILL');
    rmSync(file, { force: true });
  }
}

import { readdir, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { ignoreErrno, unlessMissing } from '../host/errno.ts';
import { machineLayout, type Layout, type MachineLayout } from '../store/layout.ts';

/**
 * Deletes the files of a machine that has no process any more, the record last: whoever is killed half-way leaves a
 * machine that the next command still knows and removes.
 */
export async function removeMachineFiles(
  files: MachineLayout,
  options: { readonly keepLog: boolean },
): Promise<void> {
  const names = (await unlessMissing(readdir(files.directory))) ?? [];
  const log = path.basename(files.logFile);
  const record = path.basename(files.recordFile);
  const first = names.filter((name) => name !== record && !(options.keepLog && name.startsWith(log)));
  for (const name of first) await rm(path.join(files.directory, name), { recursive: true, force: true });
  await rm(files.controlSocket, { force: true });
  await rm(files.guestFiles, { force: true });
  await rm(files.recordFile, { force: true });
  try {
    await rmdir(files.directory);
  } catch (error) {
    // There is the log; or a machine process that came too late is just leaving its identity, for the next removal.
    ignoreErrno(error, 'ENOENT', 'ENOTEMPTY');
  }
}

/**
 * Deletes directories of machines without a record: a supervisor was killed just before it had made or removed them.
 * A log may be waiting for the machine that takes the removed one's place.
 */
export async function removeStrayMachines(
  layout: Layout,
  known: Iterable<string>,
  options: { readonly keepLog: boolean },
): Promise<void> {
  const names = (await unlessMissing(readdir(layout.machinesDirectory))) ?? [];
  const recorded = new Set(known);
  for (const name of names.filter((entry) => !recorded.has(entry))) {
    await removeMachineFiles(machineLayout(layout, name), options);
  }
}

/**
 * Deletes what a supervisor that was killed had not finished: disks that were just being made, halves of records and of
 * what is secret.
 */
export async function removeTemporaryFiles(layout: Layout): Promise<void> {
  const { stateDirectory, disksDirectory, buildsDirectory, runtimeDirectory } = layout;
  for (const directory of [stateDirectory, disksDirectory, buildsDirectory, runtimeDirectory]) {
    const names = (await unlessMissing(readdir(directory))) ?? [];
    for (const name of names.filter((entry) => /^\..*\.tmp$/.test(entry))) {
      await rm(path.join(directory, name), { force: true });
    }
  }
}

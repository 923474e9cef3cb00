import { rm } from 'node:fs/promises';
import { syncDirectory } from '../../host/atomic-file.ts';
import { diskPath, growthNote } from '../machine-spec.ts';
import type { ActionContext } from './context.ts';
import { attachment } from './create-disk.ts';

/** Deletes a disk of the project, in whatever format it is. */
export async function removeDisk(name: string, { layout }: ActionContext): Promise<void> {
  for (const format of ['raw', 'qcow2'] as const) {
    await rm(diskPath(layout, attachment({ name, format })), { force: true });
  }
  await rm(growthNote(layout, name), { force: true });
  await syncDirectory(layout.disksDirectory);
}

import { accessSync, constants } from 'node:fs';
import { tryLock } from '../host/flock.ts';
import type { MachineFailure } from './failure.ts';
import { lockHolder } from './holder.ts';
import type { SpecDisk } from './spec.ts';

/**
 * Locks every image for the life of the process: libkrun locks none, and two guests that write to one image destroy
 * it. Readers share.
 */
export function lockDisks(disks: readonly SpecDisk[]): MachineFailure | undefined {
  for (const disk of disks) {
    try {
      // What libkrun says of an image that it cannot write does not name it.
      if (!disk.readOnly) accessSync(disk.path, constants.W_OK);
      if (!tryLock(disk.path, disk.readOnly ? 'shared' : 'exclusive').held) return busy(disk);
    } catch (error) {
      return { code: 'path', message: `cannot open disk image ${disk.path}: ${(error as Error).message}` };
    }
  }
  return undefined;
}

function busy(disk: SpecDisk): MachineFailure {
  const holder = lockHolder(disk.path);
  return {
    code: 'conflict',
    message: `disk image ${disk.path} is in use${holder === undefined ? '' : ` by ${holder}`}`,
    hint: disk.readOnly
      ? 'stop its writer first'
      : 'stop its other user first, or attach it `readonly: true` to both',
  };
}

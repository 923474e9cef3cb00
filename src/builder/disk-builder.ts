import type { Diagnostic } from '../base/diagnostic.ts';
import { DISK_FORMATS, DISK_SYNCS } from '../vm/constants.ts';
import type { DiskFormat, DiskSync, VmDisk } from '../vm/vm.ts';
import { hostPath, oneOf, text } from './checks.ts';
import { mistake } from './error.ts';
import { Part } from './part.ts';

export interface DiskState {
  readonly path?: string;
  readonly id?: string;
  readonly format: DiskFormat;
  readonly readOnly: boolean;
  readonly sync: DiskSync;
  readonly directIo: boolean;
}

export const DISK: DiskState = { format: 'raw', readOnly: false, sync: 'full', directIo: false };

/** One disk; call `disk` once for each. The guest has them as /dev/vda, /dev/vdb, … in that order. */
export class DiskBuilder extends Part<DiskState> {
  /** The image. libkrun does not lock it: two machines that write to one destroy it. */
  path(file: string): this {
    const isSecond = this.state.path !== undefined;
    const second = isSecond ? mistake('disk', 'it has two images', 'call disk() once for each') : undefined;
    return this.with({ path: hostPath(file) }, second, text('disk.path', file));
  }

  readOnly(enabled = true): this {
    return this.with({ readOnly: enabled });
  }

  /** `raw` when not said. It is never guessed: a guest can write a qcow2 header that names files of the host. */
  format(format: DiskFormat): this {
    return this.with({ format }, oneOf('disk.format', format, Object.keys(DISK_FORMATS)));
  }

  /** What a flush of the guest does: nothing, a flush to the host's cache, to the medium (when not said). */
  sync(sync: DiskSync): this {
    return this.with({ sync }, oneOf('disk.sync', sync, Object.keys(DISK_SYNCS)));
  }

  /** Goes around the host's page cache. */
  directIo(enabled = true): this {
    return this.with({ directIo: enabled });
  }

  /** Unique name of the device on the host's side; the guest does not see it. `disk0`, `disk1`, … when not said. */
  id(id: string): this {
    return this.with({ id }, text('disk.id', id));
  }
}

/** The disks, and what is wrong with them together. */
export function disksOf(states: readonly DiskState[]): {
  readonly disks: readonly VmDisk[];
  readonly mistakes: readonly Diagnostic[];
} {
  const mistakes: Diagnostic[] = [];
  const disks = states.map(({ path = '', id, ...rest }, index): VmDisk => {
    if (path === '') mistakes.push(mistake('disk', 'it has no path()'));
    return { id: id ?? `disk${index}`, path, ...rest };
  });
  const ids = disks.map(({ id }) => id);
  for (const id of new Set(ids.filter((one, index) => ids.indexOf(one) !== index)))
    mistakes.push(mistake('disk.id', `two disks have the id '${id}'`));
  return { disks, mistakes };
}

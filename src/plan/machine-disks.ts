import type { DiskAttachment, Machine } from '../project/project.ts';

/** Every disk of a machine, its root first. */
export function attachedDisks(machine: Machine): readonly DiskAttachment[] {
  return machine.root.kind === 'disk' ? [machine.root.disk, ...machine.disks] : machine.disks;
}

/** Names of the project's disks that a machine uses, each once. */
export function namedDisks(machine: Machine): readonly string[] {
  const names = attachedDisks(machine).flatMap(({ source }) =>
    source.kind === 'named' ? [source.name] : [],
  );
  return [...new Set(names)];
}

/** What a disk is called in messages, and one key for one disk: `data`, or the path of an image file. */
export function diskLabel(disk: DiskAttachment): string {
  return disk.source.kind === 'named' ? disk.source.name : disk.source.path;
}

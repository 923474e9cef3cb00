import { open, rename, rm, stat } from 'node:fs/promises';
import { syncDirectory, temporaryName } from '../../host/atomic-file.ts';
import { unlessMissing } from '../../host/errno.ts';
import type { Disk } from '../../project/project.ts';
import { ActionFailure } from '../failure.ts';
import { diskPath, growthNote } from '../machine-spec.ts';
import type { ActionContext } from './context.ts';
import { requireTool } from './disk-tools.ts';

/** Options that keep each mkfs from asking questions. */
const FORCE: Readonly<Record<string, readonly string[]>> = {
  ext2: ['-q', '-F'],
  ext3: ['-q', '-F'],
  ext4: ['-q', '-F'],
  xfs: ['-q', '-f'],
  btrfs: ['-q', '-f'],
};

/** Makes a disk under another name, and gives it its own only when it is whole. */
export async function createDisk(disk: Disk, { layout, signal }: ActionContext): Promise<void> {
  const image = diskPath(layout, attachment(disk));
  if ((await unlessMissing(stat(image))) !== undefined) {
    throw new ActionFailure(`disk image ${image} exists already`, 'run the command again');
  }
  // Names of their own: a tool that outlived its supervisor may still write to those of an earlier try.
  const raw = temporaryName(image);
  const other = temporaryName(image);
  try {
    const finished = await make(disk, { raw, other }, signal);
    // What an image of that name once was to become.
    await rm(growthNote(layout, disk.name), { force: true });
    await rename(finished, image);
    await syncDirectory(layout.disksDirectory);
  } finally {
    await Promise.all([raw, other].map((file) => rm(file, { force: true })));
  }
}

async function make(
  disk: Disk,
  { raw, other }: { readonly raw: string; readonly other: string },
  signal: AbortSignal,
): Promise<string> {
  if (disk.format === 'raw' || disk.fstype !== undefined) await makeRaw(raw, disk.sizeBytes);
  if (disk.fstype !== undefined) {
    const options = FORCE[disk.fstype] ?? [];
    await requireTool(`mkfs.${disk.fstype}`, [...options, raw], disk.name, signal);
  }
  if (disk.format === 'raw') {
    await sync(raw);
    return raw;
  }
  const args =
    disk.fstype === undefined
      ? ['create', '-q', '-f', 'qcow2', other, String(disk.sizeBytes)]
      : ['convert', '-q', '-f', 'raw', '-O', 'qcow2', raw, other];
  await requireTool('qemu-img', args, disk.name, signal);
  await sync(other);
  return other;
}

/** Sparse: takes room on the host as it is written. */
async function makeRaw(file: string, sizeBytes: number): Promise<void> {
  const handle = await open(file, 'w', 0o600);
  try {
    await handle.truncate(sizeBytes);
  } finally {
    await handle.close();
  }
}

async function sync(file: string): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    await handle.chmod(0o600);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The project's own use of a named disk, for its path. */
export function attachment(disk: Pick<Disk, 'name' | 'format'>): Parameters<typeof diskPath>[1] {
  return {
    source: { kind: 'named', name: disk.name },
    format: disk.format,
    readOnly: false,
    sync: 'full',
    directIo: false,
  };
}

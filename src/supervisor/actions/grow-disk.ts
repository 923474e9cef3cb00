import { rm, truncate } from 'node:fs/promises';
import { writeFileAtomic } from '../../host/atomic-file.ts';
import { runTool } from '../../host/tool.ts';
import type { Disk } from '../../project/project.ts';
import { diskPath, growthNote } from '../machine-spec.ts';
import type { ActionContext } from './context.ts';
import { attachment } from './create-disk.ts';
import { requireTool } from './disk-tools.ts';

/** e2fsck ends with 1 when it repaired something, which is all right. */
const REPAIRED = 1;

/**
 * Makes a disk longer, and the file system on it where that can be done from outside. Returns a remark. Until both are
 * done a note beside the image says how long it was: whoever finds it sees the old size, and grows the disk again.
 */
export async function growDisk(
  disk: Disk,
  fromBytes: number,
  { layout, signal }: ActionContext,
): Promise<string | undefined> {
  const note = growthNote(layout, disk.name);
  await writeFileAtomic(note, String(fromBytes));
  const remark = await grow(disk, diskPath(layout, attachment(disk)), signal);
  await rm(note);
  return remark;
}

async function grow(disk: Disk, image: string, signal: AbortSignal): Promise<string | undefined> {
  if (disk.format === 'qcow2') {
    await requireTool('qemu-img', ['resize', '-q', image, String(disk.sizeBytes)], disk.name, signal);
    return disk.fstype === undefined ? undefined : inGuest(disk);
  }
  await truncate(image, disk.sizeBytes);
  if (disk.fstype === undefined) return undefined;
  return /^ext[234]$/.test(disk.fstype) ? growExt(disk, image, signal) : inGuest(disk);
}

async function growExt(disk: Disk, image: string, signal: AbortSignal): Promise<string | undefined> {
  // resize2fs refuses a file system that was not checked since it was mounted.
  const checked = await runTool('e2fsck', ['-f', '-p', image], signal);
  if (checked.kind === 'missing') return inGuest(disk);
  if (checked.kind === 'failed' && checked.code !== REPAIRED) {
    return `${inGuest(disk)} (e2fsck on the host: ${checked.message})`;
  }
  const resized = await runTool('resize2fs', [image], signal);
  if (resized.kind === 'done') return undefined;
  return resized.kind === 'missing' ? inGuest(disk) : `${inGuest(disk)} (resize2fs: ${resized.message})`;
}

function inGuest({ name, fstype = '' }: Disk): string {
  const tool =
    fstype === 'xfs' ? 'xfs_growfs' : fstype === 'btrfs' ? 'btrfs filesystem resize max' : 'resize2fs';
  return `disk ${name} is larger, its ${fstype} file system is not: grow it in the guest with ${tool}`;
}

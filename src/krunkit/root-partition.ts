import { ImageError, type DiskBytes } from './disk-bytes.ts';
import { findFileSystem, type FoundFileSystem, type RootFileSystem } from './file-system.ts';
import { readPartitions, type Partition } from './partitions.ts';

/** Where the root file system of a bootable disk is. */
export interface RootPartition {
  /** 0 for a disk without partitions. */
  readonly number: number;
  readonly fstype: RootFileSystem;
}

/** Partition types of the Discoverable Partitions Specification, by Node's names of processors. */
const ROOT_GUIDS: Readonly<Record<string, string>> = {
  x64: '4f68bce3-e8cd-4db1-96e7-fbcaf984b709',
  arm64: 'b921b045-1df0-41c3-af44-4c6f280d3fae',
  riscv64: '72ec70a6-cf74-40e6-bd49-4bda08e8f224',
};

/**
 * The partition that is typed as the root of a Linux for the processor, or else the largest one with a file
 * system that a Linux root can be on. Throws {@link ImageError} where there is none.
 */
export function findRootPartition(disk: DiskBytes, file: string, arch: string): RootPartition {
  const partitions = readPartitions(disk);
  const whole: Partition = { number: 0, startBytes: 0, sizeBytes: 0 };
  const found = (partitions.length > 0 ? partitions : [whole]).map((partition) => ({
    partition,
    fileSystem: findFileSystem(disk, partition.startBytes),
  }));
  const candidates = found.flatMap(({ partition, fileSystem }) =>
    fileSystem?.kind === 'root' ? [{ partition, fstype: fileSystem.type }] : [],
  );
  const chosen =
    candidates.find(
      ({ partition }) => partition.typeGuid !== undefined && partition.typeGuid === ROOT_GUIDS[arch],
    ) ?? candidates.toSorted((left, right) => right.partition.sizeBytes - left.partition.sizeBytes)[0];
  if (chosen) return { number: chosen.partition.number, fstype: chosen.fstype };
  throw new ImageError(
    `disk image ${file} has no root file system that libkrun's kernel can mount (${describe(found)})`,
    'it must have an ext2, ext3, ext4, xfs, btrfs or erofs, on the whole disk or on a partition (GPT or MBR)',
  );
}

interface Found {
  readonly partition: Partition;
  readonly fileSystem: FoundFileSystem | undefined;
}

function describe(found: readonly Found[]): string {
  return found
    .map(({ partition: { number }, fileSystem }) => {
      const what = fileSystem?.kind === 'other' ? fileSystem.what : 'unknown';
      return number === 0 ? `no partitions; the whole is ${what}` : `partition ${number} is ${what}`;
    })
    .join(', ');
}

import type { DiskBytes } from './disk-bytes.ts';

/** A file system that the bundled kernel can have as its root. */
export type RootFileSystem = 'ext4' | 'xfs' | 'btrfs' | 'erofs';

/**
 * What a partition begins with; `other` has no file system that a Linux root is on, with a word for messages.
 */
export type FoundFileSystem =
  | { readonly kind: 'root'; readonly type: RootFileSystem }
  | { readonly kind: 'other'; readonly what: string };

interface Magic {
  readonly at: number;
  readonly bytes: Buffer;
  readonly means: FoundFileSystem;
}

const root = (type: RootFileSystem): FoundFileSystem => ({ kind: 'root', type });
const other = (what: string): FoundFileSystem => ({ kind: 'other', what });

/** As libblkid knows them. */
const MAGICS: readonly Magic[] = [
  // ext2 and ext3 too: the kernel has one driver for all three.
  { at: 0x438, bytes: Buffer.of(0x53, 0xef), means: root('ext4') },
  { at: 0, bytes: Buffer.from('XFSB'), means: root('xfs') },
  { at: 0x1_0040, bytes: Buffer.from('_BHRfS_M'), means: root('btrfs') },
  { at: 0x400, bytes: Buffer.of(0xe2, 0xe1, 0xf5, 0xe0), means: root('erofs') },
  { at: 0, bytes: Buffer.from('QFI\u00FB', 'latin1'), means: other('a qcow2 image: write format=qcow2') },
  { at: 0, bytes: Buffer.from('LUKS\u00BA\u00BE', 'latin1'), means: other('encrypted (LUKS)') },
  { at: 0x218, bytes: Buffer.from('LVM2 001'), means: other('LVM') },
  { at: 0x1000, bytes: Buffer.of(0xfc, 0x4e, 0x2b, 0xa9), means: other('a part of a RAID') },
  { at: 0, bytes: Buffer.from('hsqs'), means: other('squashfs') },
  { at: 0x400, bytes: Buffer.of(0x10, 0x20, 0xf5, 0xf2), means: other('f2fs') },
  { at: 0xff6, bytes: Buffer.from('SWAPSPACE2'), means: other('swap') },
  { at: 0x52, bytes: Buffer.from('FAT32'), means: other('FAT') },
  { at: 0x36, bytes: Buffer.from('FAT'), means: other('FAT') },
  { at: 0x8001, bytes: Buffer.from('CD001'), means: other('ISO 9660') },
];

/**
 * Recognizes what a disk or partition that begins at `startBytes` has on it; undefined for anything unknown.
 */
export function findFileSystem(disk: DiskBytes, startBytes: number): FoundFileSystem | undefined {
  return MAGICS.find(({ at, bytes }) => disk.read(startBytes + at, bytes.length).equals(bytes))?.means;
}

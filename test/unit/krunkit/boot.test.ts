import { describe, expect, it } from 'vitest';
import { chooseBoot, type BootHost } from '../../../src/krunkit/boot.ts';
import { ImageError, type DiskBytes } from '../../../src/krunkit/disk-bytes.ts';
import type { KrunkitOptions } from '../../../src/krunkit/options.ts';
import { findRootPartition } from '../../../src/krunkit/root-partition.ts';
import { gptDisk, GUIDS, mbrDisk } from '../../support/partitioned-disk.ts';

const KIB = 1024;

function bytesOf(disk: Buffer): DiskBytes {
  return {
    read(offset, length) {
      const bytes = Buffer.alloc(length);
      if (offset < disk.length) disk.copy(bytes, 0, offset, offset + length);
      return bytes;
    },
  };
}

/** The beginning of a partition: what tells one file system from another. */
function fileSystem(kind: string, kib = 128): Buffer {
  const bytes = Buffer.alloc(kib * KIB);
  const [at, magic] = MAGICS[kind] ?? [0, Buffer.alloc(0)];
  magic.copy(bytes, at);
  return bytes;
}

const MAGICS: Readonly<Record<string, readonly [number, Buffer]>> = {
  ext4: [0x438, Buffer.of(0x53, 0xef)],
  xfs: [0, Buffer.from('XFSB')],
  btrfs: [0x1_0040, Buffer.from('_BHRfS_M')],
  erofs: [0x400, Buffer.of(0xe2, 0xe1, 0xf5, 0xe0)],
  luks: [0, Buffer.from('LUKS\u00BA\u00BE', 'latin1')],
  lvm: [0x218, Buffer.from('LVM2 001')],
  fat: [0x52, Buffer.from('FAT32')],
  qcow2: [0, Buffer.from('QFI\u00FB', 'latin1')],
};

const root = (disk: Buffer): unknown => findRootPartition(bytesOf(disk), '/d', 'x64');

describe('the root of a disk', () => {
  it.each(['ext4', 'xfs', 'btrfs', 'erofs'])('is the whole of it where that is %s', (fstype) => {
    expect(root(fileSystem(fstype))).toEqual({ number: 0, fstype });
  });

  it('is the partition of a GPT that is typed as the root for the processor', () => {
    const disk = gptDisk([
      { content: fileSystem('fat'), type: GUIDS.efiSystem },
      { content: fileSystem('ext4', 512) },
      { content: fileSystem('xfs'), type: GUIDS.linuxRootX64 },
    ]);
    expect(root(disk)).toEqual({ number: 3, fstype: 'xfs' });
    expect(findRootPartition(bytesOf(disk), '/d', 'arm64')).toEqual({ number: 2, fstype: 'ext4' });
  });

  it('is the largest file system of Linux where no type tells', () => {
    const parts = [fileSystem('ext4', 256), fileSystem('fat', 1024), fileSystem('btrfs', 512)];
    expect(root(gptDisk(parts.map((content) => ({ content }))))).toEqual({ number: 3, fstype: 'btrfs' });
    expect(root(mbrDisk(parts.map((content) => ({ content }))))).toEqual({ number: 3, fstype: 'btrfs' });
  });

  it('may be a logical partition of an MBR', () => {
    const disk = mbrDisk(
      [{ content: fileSystem('fat') }],
      [{ content: fileSystem('fat') }, { content: fileSystem('ext4') }],
    );
    expect(root(disk)).toEqual({ number: 6, fstype: 'ext4' });
  });

  it.each([
    ['nothing', Buffer.alloc(KIB), 'no partitions; the whole is unknown'],
    ['encryption', fileSystem('luks'), 'no partitions; the whole is encrypted (LUKS)'],
    [
      'a qcow2 image that was said to be raw',
      fileSystem('qcow2'),
      'no partitions; the whole is a qcow2 image: write format=qcow2',
    ],
    [
      'LVM beside FAT',
      gptDisk([{ content: fileSystem('fat') }, { content: fileSystem('lvm') }]),
      'partition 1 is FAT, partition 2 is LVM',
    ],
  ])('is not there on %s, which is told', (_name, disk, what) => {
    expect(() => root(disk)).toThrow(ImageError);
    expect(() => root(disk)).toThrow(`(${what})`);
  });

  it('is not looked for where tables lead nowhere or in circles', () => {
    const wild = Buffer.alloc(64 * KIB, 0xff);
    wild.write('EFI PART', 512, 'latin1');
    expect(() => root(wild)).toThrow(ImageError);
    const circle = mbrDisk([{ content: Buffer.alloc(KIB) }], [{ content: Buffer.alloc(KIB) }]);
    const table = 512 * circle.readUInt32LE(446 + 16 + 8);
    // The second entry of the first logical table: the same table again.
    circle.writeUInt8(0x05, table + 446 + 16 + 4);
    circle.writeUInt32LE(0, table + 446 + 16 + 8);
    circle.writeUInt16LE(0xaa55, table + 510);
    expect(() => root(circle)).toThrow(ImageError);
  });
});

const OPTIONS: KrunkitOptions = {
  cpus: 1,
  memoryMiB: 1024,
  nested: false,
  devices: [{ kind: 'disk', path: '/d', format: 'raw' }],
  restfulUri: { kind: 'none' },
  oemStrings: [],
  gui: false,
};

function host(os: string, arch: string, files: readonly string[] = []): BootHost {
  return {
    os,
    arch,
    programDirectories: ['/bin', '/opt/homebrew/bin'],
    realPath: (file) =>
      files.includes(file) ? file.replace('/opt/homebrew/bin', '/Cellar/krunkit/1/bin') : undefined,
    openImage: () => bytesOf(fileSystem('ext4')),
  };
}

describe('what boots', () => {
  const beside = '/Cellar/krunkit/1/bin/../share/krunkit/KRUN_EFI.silent.fd';

  it("is krunkit's firmware, beside its program or where packages put it", () => {
    expect(chooseBoot(OPTIONS, host('darwin', 'arm64', ['/opt/homebrew/bin/krunkit', beside]))).toEqual({
      ok: true,
      value: { kind: 'firmware', path: beside },
    });
    const usual = '/opt/homebrew/share/krunkit/KRUN_EFI.silent.fd';
    expect(chooseBoot(OPTIONS, host('darwin', 'arm64', [usual]))).toMatchObject({ value: { path: usual } });
  });

  it('is the firmware that is named, or nothing', () => {
    const options = { ...OPTIONS, firmwarePath: '/f' };
    expect(chooseBoot(options, host('linux', 'arm64', ['/f']))).toMatchObject({ value: { path: '/f' } });
    expect(chooseBoot(options, host('darwin', 'arm64'))).toMatchObject({
      error: { message: '--firmware-path /f: there is no such file' },
    });
  });

  it('is nothing on macOS without firmware', () => {
    expect(chooseBoot(OPTIONS, host('darwin', 'arm64'))).toMatchObject({
      error: { message: expect.stringMatching(/^krunkit's firmware was not found; looked at .*KRUN_EFI/) },
    });
  });

  it('is the root of the first disk where no firmware can boot, or is there', () => {
    const expected = { ok: true, value: { kind: 'root-disk', device: '/dev/vda', fstype: 'ext4' } };
    expect(chooseBoot(OPTIONS, host('linux', 'x64', ['/usr/share/krunkit/KRUN_EFI.silent.fd']))).toEqual(
      expected,
    );
    expect(chooseBoot(OPTIONS, host('linux', 'arm64'))).toEqual(expected);
    expect(chooseBoot({ ...OPTIONS, devices: [] }, host('linux', 'x64'))).toMatchObject({
      error: { message: 'there is no disk to boot from' },
    });
  });
});

import { describe, expect, test } from 'vitest';
import {
  cmdlineProblem,
  detectKernelFormat,
  formatProblem,
  hasConsole,
  initrdProblem,
} from '../../../src/vm/kernel-format.ts';

/** A file with these texts at these offsets, and zeros elsewhere. */
function fileWith(size: number, texts: Readonly<Record<number, string>>): Buffer {
  const bytes = Buffer.alloc(size);
  for (const [offset, text] of Object.entries(texts)) bytes.write(text, Number(offset), 'latin1');
  return bytes;
}

function detect(file: Buffer): string {
  const detected = detectKernelFormat((offset, length) => file.subarray(offset, offset + length));
  return detected.ok ? detected.value : detected.error.message;
}

/** An image as x86's kernels are built: its header says where the compressed kernel is. */
function bzImage(payload: string, protocol = 0x20f): Buffer {
  const [setupSectors, payloadOffset] = [27, 0x3b1];
  const start = (setupSectors + 1) * 512 + payloadOffset;
  const file = fileWith(start + 16, { 0: 'MZ', 0x202: 'HdrS', [start]: payload });
  file.writeUInt8(setupSectors, 0x1f1);
  file.writeUInt16LE(protocol, 0x206);
  file.writeUInt32LE(payloadOffset, 0x248);
  return file;
}

describe('the format of a kernel file is seen by its contents', () => {
  test.each([
    ['an ELF file', fileWith(64, { 0: '\x7FELF' }), 'elf'],
    ['an x86 image with gzip', bzImage('\x1F\x8B\x08'), 'image_gz'],
    ['an x86 image with bzip2', bzImage('BZh9'), 'image_bz2'],
    ['an x86 image with zstd', bzImage('\x28\xB5\x2F\xFD'), 'image_zstd'],
    ['an arm64 image', fileWith(64, { 0: 'MZ', 0x38: 'ARMd' }), 'raw'],
    ['an arm64 image that unpacks itself', fileWith(64, { 0: 'MZ', 4: 'zimg', 24: 'gzip\0' }), 'pe_gz'],
    ['a bare gzip file', fileWith(64, { 0: '\x1F\x8B\x08' }), 'image_gz'],
  ])('%s', (_name, file, format) => {
    expect(detect(file)).toBe(format);
  });

  test.each([
    ["Debian's image with xz", bzImage('\xFD7zXZ\0'), 'holds its kernel compressed with xz'],
    ['an image with lz4', bzImage('\x02\x21\x4C\x18'), 'holds its kernel compressed with lz4'],
    [
      'an image with something unknown',
      bzImage('????'),
      'holds its kernel in a form that krun does not know',
    ],
    ['an old image', bzImage('\x1F\x8B\x08', 0x207), 'is an x86 image older than Linux 2.6.26'],
    [
      'an arm64 image with zstd',
      fileWith(64, { 0: 'MZ', 4: 'zimg', 24: 'zstd\0' }),
      'holds its kernel compressed with zstd',
    ],
    ['the beginning of an x86 image', bzImage('BZh9').subarray(0, 0x210), 'ends within its header'],
    ['a bare xz file', fileWith(64, { 0: '\xFD7zXZ\0' }), 'is compressed with xz'],
    ['a text', fileWith(64, { 0: '#!/bin/sh' }), 'is not a kernel that libkrun knows'],
    ['an empty file', Buffer.alloc(0), 'is not a kernel that libkrun knows'],
  ])('%s is refused with the reason', (_name, file, message) => {
    expect(detect(file)).toBe(message);
  });
});

test('each processor has its formats', () => {
  const formats = ['raw', 'elf', 'pe_gz', 'image_bz2', 'image_gz', 'image_zstd'] as const;
  const bootable = (arch: string): readonly string[] =>
    formats.filter((format) => formatProblem(format, arch) === undefined);
  expect(bootable('x64')).toEqual(['elf', 'image_bz2', 'image_gz', 'image_zstd']);
  expect(bootable('arm64')).toEqual(['raw', 'pe_gz']);
});

test.each([
  ['console=ttyS0 panic=-1', undefined],
  ['dyndbg="file ec.c +p" quiet', undefined],
  ['quiet--', undefined],
  ['quiet -- single', '`--` ends'],
  ['--', '`--` ends'],
  ['quiet\npanic=1', 'a kernel command line is printable ASCII'],
  ['a'.repeat(1501), 'the kernel command line has 1501 bytes'],
])('a command line %j is judged', (cmdline, problem) => {
  expect(cmdlineProblem(cmdline)?.message.slice(0, problem?.length)).toBe(problem);
});

test.each([
  ['console=ttyS0 quiet', true],
  ['quiet console=hvc0 panic=-1', true],
  ['quiet console=ttyS0', false],
  ['console=', false],
  ['consoleblank=0 quiet', false],
  ['netconsole=@/eth0 console=ttyS0 quiet', false],
])('in %j libkrun finds a console to replace: %j', (cmdline, found) => {
  expect(hasConsole(cmdline)).toBe(found);
});

test('an initrd fits below the hole in the memory of a PC', () => {
  expect(initrdProblem(3328, 'x64')).toBeUndefined();
  expect(initrdProblem(3329, 'x64')).toBeDefined();
  expect(initrdProblem(65_536, 'arm64')).toBeUndefined();
});

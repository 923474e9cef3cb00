import { expect, test } from 'vitest';
import { readMachO } from '../../../src/host/mach-o.ts';

const LOAD_DYLIB = 0xc;
const LOAD_WEAK = 0x80000018;
const RPATH = 0x8000001c;
const UUID = 0x1b;

/** A Mach-O file that has just these load commands. */
function machO(commands: readonly (readonly [command: number, text: string])[]): Buffer {
  const parts = commands.map(([command, text]) => {
    const offset = command === RPATH ? 12 : 24;
    const size = Math.ceil((offset + text.length + 1) / 8) * 8;
    const bytes = Buffer.alloc(size);
    bytes.writeUInt32LE(command, 0);
    bytes.writeUInt32LE(size, 4);
    bytes.writeUInt32LE(offset, 8);
    bytes.write(text, offset, 'latin1');
    return bytes;
  });
  const header = Buffer.alloc(32);
  header.writeUInt32LE(0xfeedfacf, 0);
  header.writeUInt32LE(0x0100000c, 4);
  header.writeUInt32LE(parts.length, 16);
  header.writeUInt32LE(Buffer.concat(parts).length, 20);
  return Buffer.concat([header, ...parts]);
}

const STUB = machO([
  [UUID, ''],
  [LOAD_DYLIB, '@rpath/libnode.137.dylib'],
  [LOAD_WEAK, '/usr/lib/libSystem.B.dylib'],
  [RPATH, '@loader_path'],
  [RPATH, '@loader_path/../lib'],
]);
const READ = {
  libraries: ['@rpath/libnode.137.dylib', '/usr/lib/libSystem.B.dylib'],
  rpaths: ['@loader_path', '@loader_path/../lib'],
};

test('libraries and rpaths are read', () => {
  expect(readMachO(STUB, 'arm64')).toEqual(READ);
});

test('of a universal file the part for the processor is read', () => {
  const other = machO([[LOAD_DYLIB, '/x']]);
  const header = Buffer.alloc(8 + 2 * 20);
  header.writeUInt32BE(0xcafebabe, 0);
  header.writeUInt32BE(2, 4);
  for (const [index, [type, offset]] of [
    [0x01000007, 64],
    [0x0100000c, 64 + other.length],
  ].entries()) {
    header.writeUInt32BE(type ?? 0, 8 + index * 20);
    header.writeUInt32BE(offset ?? 0, 16 + index * 20);
  }
  const file = Buffer.concat([header, Buffer.alloc(64 - header.length), other, STUB]);
  expect(readMachO(file, 'arm64')).toEqual(READ);
  expect(readMachO(file, 'x64')).toEqual({ libraries: ['/x'], rpaths: [] });
  expect(readMachO(file, 'riscv64')).toBeUndefined();
});

test('what is no Mach-O file, or not all of one, is none', () => {
  expect(readMachO(Buffer.from('#!/bin/sh\n'), 'arm64')).toBeUndefined();
  expect(readMachO(Buffer.alloc(0), 'arm64')).toBeUndefined();
  for (let length = 0; length < STUB.length; length++) {
    // It must end, whatever is missing.
    const found = readMachO(STUB.subarray(0, length), 'arm64');
    expect(found === undefined || found.libraries.length < 3).toBe(true);
  }
  expect(readMachO(STUB.subarray(0, 40), 'arm64')).toBeUndefined();
});

test('a load command of no size does not hold it up', () => {
  const bytes = Buffer.from(STUB);
  bytes.writeUInt32LE(0, 36);
  expect(readMachO(bytes, 'arm64')).toBeUndefined();
});

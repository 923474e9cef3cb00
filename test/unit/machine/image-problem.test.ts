import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { imageProblem } from '../../../src/machine/image-problem.ts';
import type { DiskFormat } from '../../../src/project/project.ts';

let directory: string;

beforeEach(() => (directory = mkdtempSync(path.join(os.tmpdir(), 'krun-image-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Starts of images as qemu-img makes them. */
const STARTS = {
  qcow2: Buffer.from('514649fb00000003', 'hex'),
  flat: Buffer.from('# Disk DescriptorFile\nversion=1\n'),
  sparse: Buffer.from('KDMV\u0001\0\0\0'),
  empty: Buffer.alloc(0),
};

function problem(format: DiskFormat, start: keyof typeof STARTS): string | undefined {
  const file = path.join(directory, 'disk');
  writeFileSync(file, STARTS[start]);
  const disk = { id: 'disk0', path: file, format, readOnly: true, sync: 'full', directIo: false } as const;
  return imageProblem([disk])?.reason.replace(directory, '');
}

it.each([
  ['raw', 'empty'],
  ['raw', 'qcow2'],
  ['qcow2', 'qcow2'],
  ['vmdk', 'flat'],
] as const)('finds nothing wrong with %s that starts like %s', (format, start) => {
  expect(problem(format, start)).toBeUndefined();
});

it.each([
  ['qcow2', 'empty', 'disk image /disk is not a qcow2 image'],
  ['vmdk', 'qcow2', 'disk image /disk is not a vmdk image'],
  ['vmdk', 'sparse', 'disk image /disk is a sparse vmdk; this libkrun reads only flat ones (monolithicFlat)'],
] as const)('says what %s that starts like %s is not', (format, start, reason) => {
  expect(problem(format, start)).toBe(reason);
});

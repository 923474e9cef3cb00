import { execFileSync } from 'node:child_process';
import { closeSync, fstatSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { libc } from '../../../src/host/libc.ts';
import { openDevices } from '../../../src/machine/device-ends.ts';
import { StartFailure } from '../../../src/machine/failure.ts';
import type { SpecDevices } from '../../../src/machine/spec.ts';

const directory = mkdtempSync(path.join(os.tmpdir(), 'krun-devices-'));
const file = path.join(directory, 'file');
writeFileSync(file, 'text');
afterAll(() => rmSync(directory, { recursive: true }));

function refusal(devices: SpecDevices): string {
  try {
    openDevices(devices);
  } catch (error) {
    if (error instanceof StartFailure) return error.failure.message.replaceAll(directory, '');
    throw error;
  }
  return 'none';
}

test('what cannot be a device of the guest is refused with its path', () => {
  expect(refusal({ inputs: [file] })).toBe('the input device /file is not a device');
  expect(refusal({ inputs: [path.join(directory, 'none')] })).toBe(
    "cannot open the input device /none: ENOENT: no such file or directory, open '/none'",
  );
  expect(refusal({ serial: { input: directory } })).toBe(
    'the serial input  is not a file, a FIFO or a terminal',
  );
  expect(refusal({ serial: { log: path.join(directory, 'none/log') } })).toMatch(
    /^cannot open the serial log \/none\/log: ENOENT/,
  );
});

test('a FIFO as serial log is refused instead of waited for', () => {
  const fifo = path.join(directory, 'fifo');
  execFileSync('mkfifo', [fifo]);
  expect(refusal({ serial: { log: fifo } })).toBe(
    'the serial log /fifo is a FIFO: without a reader the guest would stand still',
  );
});

test.runIf(process.platform === 'linux')('a serial port that nobody types at waits, and does not end', () => {
  const ends = openDevices({ serial: {}, inputs: ['/dev/null'] });
  const input = ends['serial.in'] ?? -1;
  expect(fstatSync(input).isFIFO()).toBe(true);
  expect(fstatSync(ends['serial.out'] ?? -1).isCharacterDevice()).toBe(true);
  // Node closes what its thread has opened and not closed itself: such a number may be another's by then.
  const { 'serial.in': pipe = -1, ...files } = ends;
  libc().close(pipe);
  for (const fd of Object.values(files)) if (fd !== undefined) closeSync(fd);
});

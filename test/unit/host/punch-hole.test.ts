import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { punchHole } from '../../../src/host/punch-hole.ts';

test('a hole gives blocks back and moves nothing', () => {
  const base = mkdtempSync(path.join(os.tmpdir(), 'krun-hole-'));
  try {
    const file = path.join(base, 'raw');
    const size = 4 * 1024 * 1024 + 10;
    writeFileSync(file, Buffer.alloc(size, 'x'));
    const before = statSync(file).blocks;
    punchHole(file, 3 * 1024 * 1024 + 5);
    expect(statSync(file).size).toBe(size);
    expect(statSync(file).blocks).toBeLessThan(before / 2);
    const bytes = readFileSync(file);
    expect(bytes.subarray(0, 3 * 1024 * 1024).every((byte) => byte === 0)).toBe(true);
    expect(bytes.subarray(3 * 1024 * 1024).every((byte) => byte === 0x78)).toBe(true);
  } finally {
    rmSync(base, { recursive: true });
  }
});

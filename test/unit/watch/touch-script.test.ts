import { execFileSync } from 'node:child_process';
import { lstatSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { Change, Look } from '../../../src/watch/changes.ts';
import { MOST_TOUCHED, touchesOf, touchScript } from '../../../src/watch/touch-script.ts';

const look = (kind: Look['kind'], mode: number): Look => ({
  kind,
  mode,
  size: 1,
  mtimeMs: 1,
  inode: 1,
  isFresh: false,
});

const LOOKS = new Map([
  ['/p', look('directory', 0o755)],
  ['/p/d', look('directory', 0o700)],
  ['/p/d/a', look('file', 0o644)],
  ['/p/l', look('link', 0o777)],
]);

function touched(...changes: Change[]): readonly string[] {
  return touchesOf(changes, LOOKS, { source: '/p', target: '/mnt' }).map(
    ({ path: file, mode }) => `${mode.toString(8)} ${file}`,
  );
}

test('a changed file is touched itself, and the directory of what came or went', () => {
  expect(touched({ path: '/p/d/a', type: 'changed', kind: 'file' })).toEqual(['644 /mnt/d/a']);
  expect(touched({ path: '/p/d/a', type: 'created', kind: 'file' })).toEqual(['644 /mnt/d/a', '700 /mnt/d']);
  expect(touched({ path: '/p/d/x', type: 'deleted', kind: 'file' })).toEqual(['700 /mnt/d']);
  expect(touched({ path: '/p/l', type: 'changed', kind: 'link' })).toEqual(['755 /mnt']);
});

test('of what is gone with its directory, the last one that is there is told', () => {
  const gone: Change[] = [
    { path: '/p/gone', type: 'deleted', kind: 'directory' },
    { path: '/p/gone/b', type: 'deleted', kind: 'file' },
  ];
  expect(touched(...gone)).toEqual(['755 /mnt']);
});

test('the script changes nothing but the time of the change of status, whatever names there are', () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'kr-touch-'));
  try {
    const names = [
      "it's",
      'a b',
      '-n',
      '$x',
      'new\nline',
      ...Array.from({ length: MOST_TOUCHED + 50 }, (_, n) => `f${n}`),
    ];
    const files = names.map((name) => path.join(directory, name));
    for (const file of files) writeFileSync(file, '1', { mode: 0o640 });
    const before = files.map((file) => lstatSync(file));
    const script = touchScript([
      { path: path.join(directory, 'none'), mode: 0o644 },
      ...files.map((file) => ({ path: file, mode: 0o640 })),
    ]);
    execFileSync('/bin/sh', { input: script });
    files.forEach((file, index) => {
      const [then, now] = [before[index]!, lstatSync(file)];
      expect([now.mtimeMs, now.mode, now.size]).toEqual([then.mtimeMs, then.mode, then.size]);
      expect(now.ctimeMs, file).toBeGreaterThan(then.ctimeMs);
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
});

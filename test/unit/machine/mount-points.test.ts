import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { missingMountPoints } from '../../../src/machine/mount-points.ts';
import type { SpecRoot } from '../../../src/machine/spec.ts';
import { bootstrapGuest, machineSpec } from './specs.ts';

function rootWith(...directories: string[]): string {
  const root = mkdtempSync(path.join(os.tmpdir(), 'krun-mounts-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  for (const directory of directories) mkdirSync(path.join(root, directory), { recursive: true });
  return root;
}

function missing(
  root: Partial<Extract<SpecRoot, { readonly kind: 'directory' }>> & { readonly path: string },
  ...targets: string[]
): ReturnType<typeof missingMountPoints> {
  const mounts = targets.map((target) => ({ tag: target, target, readOnly: false }));
  return missingMountPoints(
    machineSpec({ root: { kind: 'directory', ...root }, guest: bootstrapGuest({ mounts }) }),
  );
}

test('a root that can be written to lacks nothing: the guest makes what it needs', () => {
  expect(missing({ path: rootWith() }, '/app')).toEqual({ possible: [], impossible: [] });
});

test('a read-only root lacks what is not there, and parents come first', () => {
  const path = rootWith('dev', 'proc', 'sys', 'tmp');
  expect(missing({ path, readOnly: true }, '/app/src', '/app')).toEqual({
    possible: ['app', 'app/src'],
    impossible: [],
  });
});

test('what is missing below a directory of the root cannot be laid over it', () => {
  const path = rootWith('dev', 'proc', 'sys', 'tmp', 'srv');
  expect(missing({ path, readOnly: true }, '/srv/app')).toEqual({ possible: [], impossible: ['srv/app'] });
});

test('a file in the way of a mount point is no directory', () => {
  const path = rootWith('dev', 'proc', 'sys', 'tmp');
  writeFileSync(`${path}/srv`, '');
  expect(missing({ path, readOnly: true }, '/srv/app').possible).toEqual(['srv', 'srv/app']);
});

test('an overlay may have it already', () => {
  const path = rootWith('dev', 'proc', 'sys', 'tmp', 'srv');
  const directories = [
    { path: 'srv', mode: 0o755 },
    { path: 'srv/app', mode: 0o755 },
  ];
  expect(missing({ path, readOnly: true, overlay: { files: [], directories } }, '/srv/app')).toEqual({
    possible: [],
    impossible: [],
  });
});

test('a guest that boots by itself mounts what it wants', () => {
  const root = { kind: 'directory', path: rootWith(), readOnly: true } as const;
  expect(missingMountPoints(machineSpec({ root, guest: { kind: 'self' } }))).toEqual({
    possible: [],
    impossible: [],
  });
});

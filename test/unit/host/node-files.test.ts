import { chmod, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { nodeFiles } from '../../../src/host/node-files.ts';

const files = nodeFiles();
let directory = '';

beforeAll(async () => {
  directory = await realpath(await mkdtemp(path.join(tmpdir(), 'krun-files-')));
  await writeFile(path.join(directory, 'file'), 'text');
  await mkdir(path.join(directory, 'dir'));
  await symlink('file', path.join(directory, 'link'));
  await symlink('loop', path.join(directory, 'loop'));
  await symlink('nowhere', path.join(directory, 'dangling'));
});

afterAll(async () => {
  await rm(directory, { recursive: true });
});

test.each([
  ['file', { kind: 'file', bytes: Buffer.from('text') }, 'file'],
  ['link', { kind: 'file', bytes: Buffer.from('text') }, 'file'],
  ['dir', { kind: 'directory' }, 'directory'],
  ['none', { kind: 'missing' }, 'missing'],
  ['file/below', { kind: 'missing' }, 'missing'],
  ['dangling', { kind: 'missing' }, 'missing'],
  ['loop', { kind: 'error', message: 'ELOOP: symbolic links lead in a circle' }, 'other'],
])('%s is told apart', async (name, content, kind) => {
  const file = path.join(directory, name);
  expect(await files.readFile(file)).toEqual(content);
  expect(await files.kindOf(file)).toBe(kind);
});

test('a file that cannot be read says why, without the call', async () => {
  const file = path.join(directory, 'x'.repeat(300));
  expect(await files.readFile(file)).toEqual({ kind: 'error', message: 'ENAMETOOLONG: name too long' });
});

test('a file may be run by whom its mode lets', async () => {
  const program = path.join(directory, 'program');
  await writeFile(program, '#!/bin/sh\n', { mode: 0o644 });
  expect(await files.isExecutable(program)).toBe(false);
  await chmod(program, 0o755);
  expect(await files.isExecutable(program)).toBe(true);
  expect(await files.isExecutable(path.join(directory, 'none'))).toBe(false);
});

test('a real path has no links; that of nothing is itself', async () => {
  expect(await files.realPath(path.join(directory, 'link'))).toBe(path.join(directory, 'file'));
  expect(await files.realPath(path.join(directory, 'none'))).toBe(path.join(directory, 'none'));
});

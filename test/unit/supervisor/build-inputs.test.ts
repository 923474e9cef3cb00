import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Machine, Project } from '../../../src/project/project.ts';
import { projectLayout, type Layout } from '../../../src/store/layout.ts';
import { fingerprint, staleBuilds, writeFingerprint } from '../../../src/supervisor/build-inputs.ts';
import { inputFiles } from '../../../src/supervisor/glob.ts';

let base: string;
let layout: Layout;

beforeEach(() => {
  base = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'krun-build-')));
  layout = projectLayout(base, undefined, { HOME: base }, 0);
  mkdirSync(layout.buildsDirectory, { recursive: true });
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

function write(name: string, text = name): void {
  mkdirSync(path.dirname(path.join(base, name)), { recursive: true });
  writeFileSync(path.join(base, name), text);
}

function project(inputs: readonly string[], command: readonly string[] = ['make']): Project {
  const machine = {
    name: 'web',
    root: { kind: 'directory', path: path.join(base, 'rootfs') },
    build: {
      command,
      inputs: inputs.map((input) => path.join(base, input)),
      directory: base,
      environment: {},
    },
  } as unknown as Machine;
  return { machines: { web: machine } } as unknown as Project;
}

async function stale(wanted: Project): Promise<string | undefined> {
  return (await staleBuilds(layout, wanted))['web'];
}

async function built(wanted: Project): Promise<void> {
  const machine = wanted.machines['web'];
  if (!machine?.build) throw new Error('no build');
  await writeFingerprint(layout, machine, await fingerprint(layout, machine, machine.build));
  mkdirSync(path.join(base, 'rootfs'), { recursive: true });
}

test('a build is stale until it ran, and when its result is gone', async () => {
  write('a');
  const wanted = project(['a']);
  expect(await stale(wanted)).toBe('never built');
  await built(wanted);
  expect(await stale(wanted)).toBeUndefined();
  rmSync(path.join(base, 'rootfs'), { recursive: true });
  expect(await stale(wanted)).toBe('rootfs does not exist');
});

test('contents decide, not times', async () => {
  write('a');
  const wanted = project(['a']);
  await built(wanted);
  utimesSync(path.join(base, 'a'), 1, 1);
  expect(await stale(wanted)).toBeUndefined();
  write('a', 'other');
  expect(await stale(wanted)).toBe('input a changed');
  write('a');
  expect(await stale(wanted)).toBeUndefined();
  chmodSync(path.join(base, 'a'), 0o755);
  expect(await stale(wanted)).toBe('input a changed');
});

test('files that come and go, and another command, make it stale', async () => {
  write('src/a');
  const wanted = project(['src']);
  await built(wanted);
  write('src/b');
  expect(await stale(wanted)).toBe('input src/b is new');
  rmSync(path.join(base, 'src', 'b'));
  rmSync(path.join(base, 'src', 'a'));
  expect(await stale(wanted)).toBe('input src/a is gone');
  write('src/a');
  expect(await stale(project(['src'], ['make', 'all']))).toBe('build command changed');
});

test('what the build makes is not an input of it', async () => {
  write('a');
  const wanted = project(['.']);
  await built(wanted);
  write('rootfs/bin/sh');
  write('.git/index');
  write('node_modules/x/index.js');
  expect(await stale(wanted)).toBeUndefined();
});

test('patterns match as a shell does, with ** across directories', async () => {
  for (const name of ['a.c', 'b.c', 'b.h', 'src/c.c', 'src/deep/d.c', 'src/deep/e[1].h', 'src/deep/e.txt'])
    write(name);
  symlinkSync(base, path.join(base, 'src', 'loop'));
  const match = async (pattern: string): Promise<string[]> =>
    (await inputFiles(path.join(base, pattern), [])).map((file) => path.relative(base, file));
  expect(await match('*.c')).toEqual(['a.c', 'b.c']);
  expect(await match('**/*.c')).toEqual(['a.c', 'b.c', 'src/c.c', 'src/deep/d.c']);
  expect(await match('src/**')).toEqual(['src/c.c', 'src/deep/d.c', 'src/deep/e.txt', 'src/deep/e[1].h']);
  expect(await match('?.[!c]')).toEqual(['b.h']);
  expect(await match('src/de*')).toEqual(['src/deep/d.c', 'src/deep/e.txt', 'src/deep/e[1].h']);
  expect(await match('a.c')).toEqual(['a.c']);
  expect(await match('none')).toEqual([]);
  expect(await match('none/*')).toEqual([]);
});

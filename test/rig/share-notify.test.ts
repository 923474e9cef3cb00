import { lstat, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { projectLayout } from '../../src/store/layout.ts';
import { createCliRig, machine, SERVICE, writeMachines } from './cli-project.ts';
import type { Rig } from './support/rig.ts';
import { until } from './support/until.ts';

/** When a file was touched last, and what else must not change by that. */
async function look(file: string): Promise<{ readonly touched: number; readonly rest: readonly unknown[] }> {
  const { ctimeMs, mtimeMs, mode, size } = await lstat(file);
  return { touched: ctimeMs, rest: [mtimeMs, mode, size] };
}

async function touchedSince(file: string, before: number): Promise<boolean> {
  return until(async () => (await look(file)).touched > before, { timeoutMs: 20_000 });
}

/** Guests run on the host here: what a guest does at the target shows what its watchers hear of. */
async function sharing(rig: Rig, target: string): Promise<void> {
  await mkdir(target, { recursive: true });
  const mount = await rig.write('no-mount', '#!/bin/sh\n', 0o755);
  await rig.write('root/.fake', `put ${mount} /usr/bin/mount\n`);
  const shares = `[{ source: ./src, target: ${target}, notify: true }]`;
  await writeMachines(rig, machine('web', SERVICE, { shares }));
  await rig.ok(['up', '-d', '--wait']);
}

test('a guest touches what the host has changed, and the directory of what came or went', async () => {
  await using rig = await createCliRig('', { files: { 'src/a': '1', 'src/d/b': '1' } });
  const seen = path.join(rig.base, 'guest');
  await mkdir(path.join(seen, 'd'), { recursive: true });
  for (const name of ['a', 'd/b']) await writeFile(path.join(seen, name), 'as the guest sees it');
  await sharing(rig, seen);
  const [before, other] = [await look(path.join(seen, 'a')), await look(path.join(seen, 'd/b'))];
  // The first edits may come before everything is watched.
  let edits = 0;
  const edited = await until(
    async () => {
      await rig.write('src/a', `edit ${edits++}`);
      return until(async () => (await look(path.join(seen, 'a'))).touched > before.touched, {
        timeoutMs: 1000,
      });
    },
    { timeoutMs: 20_000 },
  );
  expect(edited).toBe(true);
  expect((await look(path.join(seen, 'a'))).rest).toEqual(before.rest);
  expect(await look(path.join(seen, 'd/b'))).toEqual(other);

  const directory = await look(path.join(seen, 'd'));
  await rm(path.join(rig.directory, 'src/d/b'));
  expect(await touchedSince(path.join(seen, 'd'), directory.touched)).toBe(true);
  expect((await look(path.join(seen, 'd'))).rest).toEqual(directory.rest);
});

test("the guest's own touch is no change; a supervisor that is started anew goes on", async () => {
  await using rig = await createCliRig('', { files: { 'src/a': '1', 'src/b': '1' } });
  const source = path.join(rig.directory, 'src');
  await sharing(rig, source);
  const isTouched = async (name: string, timeoutMs = 30_000): Promise<boolean> => {
    await rig.write(`src/${name}`, `edit ${performance.now()}`);
    const { rest } = await look(path.join(source, name));
    return until(
      async () => {
        const now = await look(path.join(source, name));
        // A touch sets the time of the change of status, and leaves that of the contents.
        return now.touched > Number(rest[0]) + 1 && now.rest[0] === rest[0];
      },
      { timeoutMs },
    );
  };
  // An edit that comes before the files are watched is no change.
  const isNoticed = (): Promise<boolean> => until(() => isTouched('a', 2000), { timeoutMs: 30_000 });
  expect(await isNoticed()).toBe(true);
  expect(await isTouched('b')).toBe(true);
  const settled = await look(path.join(source, 'a'));
  expect(await isTouched('b')).toBe(true);
  expect(await isTouched('b')).toBe(true);
  expect(await look(path.join(source, 'a'))).toEqual(settled);

  const { lockFile } = projectLayout(rig.directory, undefined, rig.env, process.getuid?.() ?? 0);
  const { pid } = JSON.parse(await readFile(lockFile, 'utf8')) as { readonly pid: number };
  process.kill(pid, 'SIGKILL');
  await rig.ok(['ps']);
  expect(await isNoticed()).toBe(true);
});

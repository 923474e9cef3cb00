import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import {
  chmod,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { createCliRig, machine, SERVICE, writeMachines } from './cli-project.ts';
import type { Rig } from './support/rig.ts';
import { until } from './support/until.ts';
import { edit, startWatch, type Watching } from './support/watching.ts';

/** A rig with one machine and one rule; guests run on the host here, so the target is a directory of the rig's. */
async function syncRig(files: Readonly<Record<string, string>>, rule = '', script = SERVICE): Promise<Rig> {
  const rig = await createCliRig('', { files });
  await writeRule(rig, rule, script);
  return rig;
}

async function writeRule(rig: Rig, rule: string, script = SERVICE): Promise<void> {
  const action = rule.includes('action:') ? '' : 'action: sync, ';
  const watch = `{ watch: [{ path: ./src, ${action}target: ${guest(rig)}, ${rule} }] }`;
  await writeMachines(rig, machine('web', script, { develop: watch }));
}

const guest = (rig: Rig, name = ''): string => path.join(rig.base, 'guest', name);

/** Names in a directory, those of directories with a slash, sorted. */
async function namesIn(tree: string): Promise<readonly string[]> {
  const entries = await readdir(tree, { recursive: true, withFileTypes: true });
  return entries
    .map(
      (entry) =>
        path.relative(tree, path.join(entry.parentPath, entry.name)) + (entry.isDirectory() ? '/' : ''),
    )
    .toSorted();
}

const guestNames = (rig: Rig): Promise<readonly string[]> => namesIn(guest(rig));
const sourceNames = (rig: Rig): Promise<readonly string[]> => namesIn(path.join(rig.directory, 'src'));
const guestText = (rig: Rig, name: string): Promise<string> => readFile(guest(rig, name), 'utf8');

/** Resolves when the guest has these names, and nothing else; directories may go while they are read. */
async function guestHas(rig: Rig, wanted: readonly string[]): Promise<void> {
  await expect.poll(() => guestNames(rig).catch(() => [])).toEqual(wanted);
}

/** Resolves when the guest has that text in a file, which may not be there yet. */
async function guestReads(rig: Rig, name: string, text: string): Promise<void> {
  await expect.poll(() => guestText(rig, name).catch(() => undefined)).toBe(text);
}

/** Resolves with the lines of syncs once there are that many. */
async function syncs(watch: Watching, count: number): Promise<readonly string[]> {
  const lines = (): string[] => watch.stderr().match(/^web {2}sync .*$/gm) ?? [];
  await until(() => lines().length >= count, { timeoutMs: 30_000 });
  if (lines().length < count) throw new Error(`no ${count} syncs:\n${watch.stderr()}`);
  return lines().map((line) => line.replace(/, \d+(\.\d)? m?s$/, '').replace(/\/\S*\/guest/, '/guest'));
}

test('the guest gets all at the start, and then what is edited, made, deleted, renamed or gets other rights', async () => {
  await using rig = await syncRig({
    'src/a.js': 'one',
    'src/d/b.js': 'two',
    'src/node_modules/x/i.js': 'no',
  });
  await symlink('a.js', path.join(rig.directory, 'src/link'));
  await using watch = startWatch(rig, ['watch']);
  await watch.waitForOutput(/^watching 1 rule/m);
  expect(await syncs(watch, 1)).toEqual([
    'web  sync ./src -> /guest: 3 files (link, d/b.js, a.js) by comparison',
  ]);
  expect(await guestNames(rig)).toEqual(['a.js', 'd/', 'd/b.js', 'link']);
  expect(await readlink(guest(rig, 'link'))).toBe('a.js');

  await edit(rig, 'src/a.js', 'edited');
  expect((await syncs(watch, 2))[1]).toBe('web  sync ./src -> /guest: 1 file (a.js)');
  expect(await guestText(rig, 'a.js')).toBe('edited');

  await rm(path.join(rig.directory, 'src/link'));
  expect((await syncs(watch, 3))[2]).toBe('web  sync ./src -> /guest: 1 deleted (link)');

  await rename(path.join(rig.directory, 'src/d'), path.join(rig.directory, 'src/e'));
  expect((await syncs(watch, 4))[3]).toMatch(/1 file, 1 deleted \(d\/b\.js, e\/b\.js\)/);
  expect(await guestNames(rig)).toEqual(['a.js', 'e/', 'e/b.js']);

  await chmod(path.join(rig.directory, 'src/e/b.js'), 0o750);
  expect((await syncs(watch, 5))[4]).toBe('web  sync ./src -> /guest: 1 file (e/b.js)');
  expect((await lstat(guest(rig, 'e/b.js'))).mode & 0o777).toBe(0o750);

  await rm(path.join(rig.directory, 'src/a.js'));
  await mkdir(path.join(rig.directory, 'src/a.js/deep'), { recursive: true });
  await rig.write('src/a.js/deep/c', 'a directory now');
  await syncs(watch, 6);
  // The file may go with one sync, and the directory come with the next.
  await guestReads(rig, 'a.js/deep/c', 'a directory now');
});

test('a switch of 3,000 files is one sync, and the trees are the same', async () => {
  const side = (name: string): Record<string, string> =>
    Object.fromEntries(
      Array.from({ length: 3000 }, (_, index) => [`${name}/d${index % 50}/f${index}`, `${name} ${index}`]),
    );
  await using rig = await syncRig(side('src'));
  await using watch = startWatch(rig, ['watch']);
  await syncs(watch, 1);
  await watch.waitForOutput(/^watching/m);
  // As a checkout does it: some go, some come, most are others.
  const tree = path.join(rig.directory, 'src');
  for (let index = 0; index < 3000; index++) {
    const file = path.join(tree, `d${index % 50}/f${index}`);
    if (index % 10 === 0) rmSync(file);
    else writeFileSync(file, `other branch ${index}`);
  }
  mkdirSync(path.join(tree, 'new'));
  for (let index = 0; index < 300; index++) writeFileSync(path.join(tree, `new/n${index}`), 'new');
  for (const index of [1, 1499, 2999]) {
    await guestReads(rig, `d${index % 50}/f${index}`, `other branch ${index}`);
  }
  await guestHas(rig, await sourceNames(rig));
  expect((await syncs(watch, 2)).length).toBeLessThanOrEqual(4);
});

test.each([
  ['goes and comes back', true],
  ['is replaced at once', false],
])('a watched directory that %s, as between branches, is followed', async (_, isSeenToGo) => {
  await using rig = await syncRig({ 'src/a': 'old', 'src/d/b': 'old' });
  await using watch = startWatch(rig, ['watch']);
  await watch.waitForOutput(/^watching/m);
  await syncs(watch, 1);
  const tree = path.join(rig.directory, 'src');
  rmSync(tree, { recursive: true });
  const sees = async (what: () => boolean | Promise<boolean>): Promise<void> => {
    if (!(await until(what, { timeoutMs: 30_000 }))) throw new Error(`in 30 s, only:\n${watch.stderr()}`);
  };
  if (isSeenToGo) await sees(() => !existsSync(guest(rig, 'a')));
  for (let index = 0; index < 3000; index++) {
    const directory = path.join(tree, `d${index % 50}`);
    mkdirSync(directory, { recursive: true });
    writeFileSync(path.join(directory, `f${index}`), `new ${index}`);
  }
  await guestHas(rig, await sourceNames(rig));
  for (const name of ['d7/f7', 'd49/f2999']) {
    await rig.write(`src/${name}`, 'edited');
    await guestReads(rig, name, 'edited');
  }
  rmSync(path.join(tree, 'd3'), { recursive: true });
  await rig.write('src/d3/new', 'new');
  await sees(() => existsSync(guest(rig, 'd3/new')) && !existsSync(guest(rig, 'd3/f3')));
  await rig.write('src/d3/new', 'edited');
  await guestReads(rig, 'd3/new', 'edited');
});

test('what changed while the machine was stopped comes with its next start, deletes as well', async () => {
  await using rig = await syncRig({ 'src/a': '1', 'src/b': '1' });
  await using watch = startWatch(rig, ['watch']);
  await syncs(watch, 1);
  await rig.ok(['stop', 'web']);
  await rig.write('src/a', '22');
  await rm(path.join(rig.directory, 'src/b'));
  await watch.waitForOutput(/^web {2}is not running: its rules wait for the next start$/m);
  await rig.ok(['start', 'web']);
  await syncs(watch, 2);
  await guestHas(rig, ['a']);
  await guestReads(rig, 'a', '22');
});

test('a command runs after its sync; its failure is told with its output, and watching goes on', async () => {
  const rule = `action: sync+exec, exec: [sh, -c, 'cat $$1/a; grep -q good $$1/a', sh, GUEST]`;
  await using rig = await syncRig({ 'src/a': 'good' });
  await writeRule(rig, rule.replace('GUEST', guest(rig)));
  await using watch = startWatch(rig, ['watch']);
  await watch.waitForOutput(/^web {2}exec sh -c .*: a changed, \d/m);
  await rig.write('src/a', 'bad');
  await watch.waitForOutput(/^web {2}exec failed: sh .* ended with 1\nweb {2}\| bad$/m);
  await rig.write('src/a', 'good again');
  await watch.waitForOutput(/failed[^]*exec sh -c .*: a changed/);
});

test('sync+restart starts the machine again once, with the new files', async () => {
  await using rig = await syncRig({ 'src/a': 'one' });
  await writeRule(rig, 'action: sync+restart', `echo "saw $$(cat ${guest(rig)}/a)"; ${SERVICE}`);
  await using watch = startWatch(rig, ['up', '--watch']);
  await watch.waitForOutput(/^web \| saw one$/m);
  await edit(rig, 'src/a', 'two');
  await watch.waitForOutput(/^web \| saw two$/m);
  await watch.waitForOutput(/restart: a changed[^]*restart: a changed/);
  // The first start, the one after the first files, the one after the edit.
  const [{ run } = {}] = JSON.parse(await rig.ok(['inspect', '--calls', '--format', 'json'])) as readonly {
    readonly run?: number;
  }[];
  expect(run).toBe(3);
});

test('a command that writes into its own watched folder is caught', async () => {
  const source = (rig: Rig): string => path.join(rig.directory, 'src');
  await using rig = await syncRig({ 'src/a': '1' });
  const write = `action: sync+exec, exec: [sh, -c, 'date +%N >>$$1/out.txt', sh, ${source(rig)}]`;
  await writeRule(rig, write);
  await using watch = startWatch(rig, ['watch']);
  const told = await watch.waitForOutput(/is paused.*\n/, 60_000);
  expect(told).toContain('web  sync+exec of ./src is paused: out.txt changes after each of its cycles');
});

test('--prune takes away what the host has not, but nothing that the rule leaves out', async () => {
  await using rig = await syncRig({ 'src/a': '1' }, 'ignore: [keep]');
  for (const name of ['old/x', 'keep/y', 'node_modules/z']) {
    await mkdir(path.dirname(guest(rig, name)), { recursive: true });
    await writeFile(guest(rig, name), '');
  }
  await using watch = startWatch(rig, ['watch', '--prune']);
  expect(await syncs(watch, 1)).toEqual([
    'web  sync ./src -> /guest: 1 file, 1 deleted (a, …) by comparison',
  ]);
  expect(await guestNames(rig)).toEqual(['a', 'keep/', 'keep/y', 'node_modules/', 'node_modules/z']);
});

test('a guest that cannot take files is told in one line with the cause, and gets all of them later', async () => {
  await using rig = await syncRig({ 'src/a': '1' });
  await writeFile(guest(rig).replace(/\/$/, ''), 'no directory');
  await using watch = startWatch(rig, ['watch']);
  await watch.waitForOutput(/^web {2}sync \.\/src -> \S+ failed: .*$/m);
  await rm(guest(rig).replace(/\/$/, ''));
  await rig.write('src/b', '2');
  await syncs(watch, 2);
  await guestHas(rig, ['a', 'b']);
});

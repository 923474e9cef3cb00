import { mkdtempSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { FileGrant, GrantSource, Machine } from '../../../src/project/project.ts';
import { GrantContents } from '../../../src/supervisor/grant-contents.ts';
import { machineDefinition } from '../../support/definitions.ts';

let base: string;
let file: string;

beforeEach(() => {
  base = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'krun-grants-')));
  file = path.join(base, 'grants.json');
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

function grant(name: string, source: GrantSource): FileGrant {
  return { name, source, target: `/run/secrets/${name}`, uid: 1, gid: 2, mode: 0o400 };
}

/** `web` with a secret of each kind: a file, a variable and a text. */
function web(): Machine {
  return machineDefinition('web', {
    secrets: [
      grant('key', { kind: 'file', path: path.join(base, 'key') }),
      grant('token', { kind: 'environment', variable: 'TOKEN' }),
    ],
    configs: [grant('app', { kind: 'content' })],
  });
}

const VALUES = { 'secrets/token': 't0ken', 'configs/app': 'a = 1\n' };

async function given(contents: GrantContents, machine = web()): Promise<Record<string, string>> {
  const files = await contents.give(machine);
  return Object.fromEntries(
    files.map((one) => [one.target, Buffer.from(one.contents, 'base64').toString('latin1')]),
  );
}

test('a machine gets its files as they are at its start, any bytes', async () => {
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  writeFileSync(path.join(base, 'key'), bytes);
  const contents = new GrantContents(file);
  await contents.learn(VALUES);
  expect(await given(contents)).toEqual({
    '/run/secrets/key': bytes.toString('latin1'),
    '/run/secrets/token': 't0ken',
    '/run/secrets/app': 'a = 1\n',
  });
  const [first] = await contents.give(web());
  expect(first).toMatchObject({ uid: 1, gid: 2, mode: 0o400 });
  writeFileSync(path.join(base, 'key'), 'new');
  expect(await given(contents)).toMatchObject({ '/run/secrets/key': 'new' });
});

test('a later supervisor knows what the newest request said', async () => {
  writeFileSync(path.join(base, 'key'), 'k');
  await new GrantContents(file).learn(VALUES);
  expect(await given(new GrantContents(file))).toMatchObject({ '/run/secrets/token': 't0ken' });
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test('changed contents are told by name, and of running machines only what they got', async () => {
  writeFileSync(path.join(base, 'key'), 'k');
  const contents = new GrantContents(file);
  await contents.learn(VALUES);
  expect(await contents.changed([web()], VALUES)).toEqual({});
  await contents.give(web());
  const later = new GrantContents(file);
  expect(await later.changed([web()], VALUES)).toEqual({});
  expect(await later.changed([web()], { ...VALUES, 'secrets/token': 'other' })).toEqual({
    web: 'secret token changed',
  });
  writeFileSync(path.join(base, 'key'), 'K');
  expect(await later.changed([web()], { ...VALUES, 'configs/app': '' })).toEqual({
    web: 'secret key, config app changed',
  });
  rmSync(path.join(base, 'key'));
  expect(await later.changed([web()], VALUES)).toEqual({});
});

test('fingerprints say nothing about contents to who has not the key', async () => {
  writeFileSync(path.join(base, 'key'), 'k');
  const contents = new GrantContents(file);
  await contents.learn(VALUES);
  const other = new GrantContents(path.join(base, 'other.json'));
  await other.learn(VALUES);
  await contents.give(web());
  await other.give(web());
  const read = (name: string): unknown =>
    (JSON.parse(readFileSync(name, 'utf8')) as { given: unknown }).given;
  expect(read(file)).not.toEqual(read(path.join(base, 'other.json')));
});

test('machines that start at the same time do not forget each other', async () => {
  writeFileSync(path.join(base, 'key'), 'k');
  const contents = new GrantContents(file);
  await contents.learn(VALUES);
  const machines = ['a', 'b', 'c'].map((name) => ({ ...web(), name }));
  await Promise.all(machines.map((machine) => contents.give(machine)));
  const later = new GrantContents(file);
  expect(Object.keys(await later.changed(machines, { ...VALUES, 'secrets/token': 'x' }))).toEqual([
    'a',
    'b',
    'c',
  ]);
});

test('what is known belongs to one boot of the host', async () => {
  const contents = new GrantContents(file);
  await contents.learn(VALUES);
  const known = JSON.parse(readFileSync(file, 'utf8')) as object;
  writeFileSync(file, JSON.stringify({ ...known, bootId: 'before' }));
  writeFileSync(path.join(base, 'key'), 'k');
  await expect(new GrantContents(file).give(web())).rejects.toThrow(
    'the contents of secret token are not known any more',
  );
});

test('a file that cannot be given says which and why', async () => {
  const contents = new GrantContents(file);
  await contents.learn(VALUES);
  const key = path.join(base, 'key');
  await expect(contents.give(web())).rejects.toThrow(`cannot read secret key: ${key}: ENOENT`);
  writeFileSync(key, Buffer.alloc(1024 ** 2 + 1024));
  await expect(contents.give(web())).rejects.toThrow('secret key has 1025 KiB; the most is 1 MiB');
});

test('a project without machines keeps no secrets', async () => {
  const contents = new GrantContents(file);
  await contents.learn(VALUES);
  await contents.forget();
  expect(() => statSync(file)).toThrow('ENOENT');
  await contents.learn({});
  expect(() => statSync(file)).toThrow('ENOENT');
});

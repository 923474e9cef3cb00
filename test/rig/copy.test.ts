import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { until } from './support/until.ts';
import { makeTree, summary } from './support/odd-tree.ts';
import { createCliRig, machine, SERVICE } from './cli-project.ts';

const OFFLINE = { networks: '[]' };

test('a tree of 2,000 files with odd names goes in and comes out as it was', async () => {
  await using rig = await createCliRig(machine('web', SERVICE, OFFLINE));
  const source = path.join(rig.directory, 'tree');
  makeTree(source);
  await rig.ok(['up', '-d']);
  const guest = path.join(rig.base, 'guest');
  const into = await rig.krun(['cp', './tree', `web:${guest}`]);
  expect(into).toMatchObject({ code: 0, stdout: '' });
  expect(into.stderr).toMatch(/^copied 2018 files, \d+\.\d MiB to web:.*guest\n$/);
  expect(summary(guest)).toEqual(summary(source));
  await rig.ok(['cp', '-q', `web:${guest}/.`, 'back']);
  expect(summary(path.join(rig.directory, 'back'))).toEqual(summary(source));
});

test('tar streams go through standard input and output', async () => {
  await using rig = await createCliRig(machine('web', SERVICE, OFFLINE));
  await rig.write('tree/file', 'text');
  await rig.write('tree/large', Buffer.alloc(5_000_000, 'krun'));
  await rig.ok(['up', '-d']);
  mkdirSync(path.join(rig.base, 'guest'));
  const krun = `"${process.execPath}" "${rig.program}"`;
  const script = `set -e
    tar -c -z -f - tree | ${krun} cp - web:${rig.base}/guest
    mkdir out
    ${krun} cp web:${rig.base}/guest/tree - | tar -x -f - -C out`;
  const { stdout } = await promisify(execFile)('sh', ['-c', script], { cwd: rig.directory, env: rig.env });
  expect(stdout).toBe('');
  expect(summary(path.join(rig.directory, 'out'))).toEqual(summary(path.join(rig.base, 'guest')));
  expect(statSync(path.join(rig.directory, 'out/tree/large')).size).toBe(5_000_000);
});

test('what cannot be copied is told with the cause and what to do, and with the exit code', async () => {
  await using rig = await createCliRig(machine('web', SERVICE, OFFLINE) + machine('db', SERVICE, OFFLINE));
  await rig.ok(['up', '-d', 'web']);
  const fail = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await rig.krun(['cp', ...args]);
    expect(stdout).toBe('');
    return `${code} ${stderr.trimEnd()}`;
  };
  expect(await fail('a', 'b')).toBe(
    '2 krun: neither side is in a machine\n' +
      '  hint: a path in a machine is MACHINE:PATH, one of the host with a colon begins with / or .',
  );
  expect(await fail('krun.yaml', 'wed:/x')).toBe('1 krun: no machine wed\n  hint: did you mean web?');
  expect(await fail('krun.yaml', 'db:/x')).toMatch(/^1 krun: (?:no machine db|db )/);
  expect(await fail('nothing', 'web:/x')).toBe('1 krun: no file or directory nothing');
  expect(await fail(`web:${rig.base}/nothing`, '.')).toBe(
    `1 krun: no file or directory web:${rig.base}/nothing`,
  );
  expect(await fail('krun.yaml', `web:${rig.base}/no/such/place`)).toBe(
    `1 krun: cannot make web:${rig.base}/no/such/place: the directory above it does not exist\n  hint: make it first`,
  );
  expect(await fail('only-one')).toMatch(/^2 krun: missing required argument 'destination'/);
});

test('a copy that breaks off, by Ctrl-C or with the machine, leaves the old file and no half one', async () => {
  await using rig = await createCliRig(machine('web', SERVICE, OFFLINE));
  await rig.ok(['up', '-d']);
  // Nothing but zeros that are nowhere: the copy would go on for minutes.
  const large = path.join(rig.base, 'large');
  writeFileSync(large, '');
  truncateSync(large, 200 * 1024 ** 3);
  await rig.write('into/large', 'old');
  const into = path.join(rig.directory, 'into');
  const begin = async () => {
    const copy = rig.spawn(['cp', `web:${large}`, 'into']);
    expect(await until(() => readdirSync(into).length === 2, { timeoutMs: 30_000 })).toBe(true);
    return copy;
  };
  const interrupted = await begin();
  interrupted.signal('SIGINT');
  expect(await interrupted.result).toMatchObject({ code: 130, stdout: '', stderr: '' });
  expect(readdirSync(into)).toEqual(['large']);
  const abandoned = await begin();
  await rig.ok(['kill', 'web']);
  const { code, stderr } = await abandoned.result;
  expect(code).toBe(1);
  expect(stderr).toMatch(/^krun: web: [^\n]+\n$/);
  expect(readdirSync(into)).toEqual(['large']);
  expect(await rig.read('into/large')).toBe('old');
});

test('completion offers the machines with a colon', async () => {
  await using rig = await createCliRig(machine('web', SERVICE, OFFLINE) + machine('db', SERVICE, OFFLINE));
  await rig.ok(['up', '-d']);
  expect(await rig.ok(['complete', '--', 'cp', ''])).toBe('db:\nweb:\n:2\n');
  expect(await rig.ok(['complete', '--', 'cp', './x', 'w'])).toBe('web:\n:2\n');
  expect(await rig.ok(['complete', '--', 'cp', './'])).toBe(':0\n');
  expect(await rig.ok(['complete', '--', 'cp', '--fol'])).toContain('--follow-link');
});

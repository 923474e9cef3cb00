import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { HypervisorNode, ownNode } from '../../../src/host/hypervisor-node.ts';
import { signingHost } from '../../../src/host/signing-host.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'krun-sign-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

test('how a program ended is told apart', async () => {
  const sh = (script: string): ReturnType<typeof signingHost.run> =>
    signingHost.run('/bin/sh', ['-c', script]);
  expect(await sh('echo out; echo err >&2; exit 3')).toEqual({
    kind: 'ended',
    code: 3,
    stdout: 'out\n',
    stderr: 'err\n',
  });
  expect(await sh('echo err >&2; kill -KILL $$')).toEqual({
    kind: 'killed',
    signal: 'SIGKILL',
    stderr: 'err\n',
  });
  expect(await signingHost.run(path.join(directory, 'none'), [])).toEqual({
    kind: 'not-started',
    code: 'ENOENT',
  });
});

test('a copy is a program of its own, for its user alone', async () => {
  const [from, to] = [path.join(directory, 'a'), path.join(directory, 'b')];
  writeFileSync(from, '#!/bin/sh\necho copied\n', { mode: 0o644 });
  await signingHost.copy(from, to);
  expect(statSync(to).mode & 0o777).toBe(0o700);
  expect(statSync(to).ino).not.toBe(statSync(from).ino);
  expect(await signingHost.run(to, [])).toMatchObject({ code: 0, stdout: 'copied\n' });
  await expect(signingHost.copy(from, to)).rejects.toThrow(/EEXIST/);
});

test('directories are for their user alone', async () => {
  await signingHost.makeDirectory(path.join(directory, 'x', 'y'));
  for (const name of ['x', 'x/y']) expect(statSync(path.join(directory, name)).mode & 0o777).toBe(0o700);
});

test('work under one lock follows each other', async () => {
  const file = path.join(directory, 'lock');
  const seen: string[] = [];
  const work = (name: string) => async (): Promise<void> => {
    seen.push(`${name} begins`);
    await signingHost.stat(directory);
    seen.push(`${name} ends`);
  };
  await Promise.all([signingHost.locked(file, work('a')), signingHost.locked(file, work('b'))]);
  expect(seen).toHaveLength(4);
  expect(seen[1]).toBe(seen[0]?.replace('begins', 'ends'));
});

test('a lock is given back where the work fails', async () => {
  const file = path.join(directory, 'lock');
  const failing = signingHost.locked(file, () => Promise.reject(new Error('no')));
  await expect(failing).rejects.toThrow('no');
  expect(await signingHost.locked(file, () => Promise.resolve(1))).toBe(1);
});

test('what does not exist is nothing', async () => {
  const none = path.join(directory, 'none');
  expect(await signingHost.stat(none)).toBeUndefined();
  expect(await signingHost.readText(none)).toBeUndefined();
  expect(await signingHost.realPath(none)).toBeUndefined();
  await signingHost.remove(none);
});

test.runIf(process.platform === 'linux')(
  'where no entitlement is asked for, the node is the own one',
  async () => {
    expect(await new HypervisorNode(directory).program()).toEqual({ ok: true, value: process.execPath });
    expect(await signingHost.readMachO(ownNode().path)).toBeUndefined();
    expect(() => readFileSync(path.join(directory, 'lock'))).toThrow(/ENOENT/);
  },
);

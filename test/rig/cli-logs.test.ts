import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { createCliRig, machine, SERVICE, writeMachines } from './cli-project.ts';

test('logs come by machine and stream, with tail, grep, timestamps and json', async () => {
  await using rig = await createCliRig('');
  const go = path.join(rig.base, 'go');
  const script = `echo one; echo two >&2; until [ -e ${go} ]; do sleep 0.05; done; echo three`;
  await writeMachines(rig, machine('web', script));
  await rig.ok(['up', '-d']);
  // Of what comes into the log at once, standard output is first.
  await expect.poll(() => rig.ok(['logs'])).toContain('two');
  await writeFile(go, '');
  await rig.krun(['wait']);
  const sorted = async (...args: readonly string[]): Promise<readonly string[]> =>
    (await rig.ok(['logs', ...args])).split('\n').filter(Boolean).toSorted();
  expect(await sorted()).toEqual(['web | one', 'web | three', 'web | two']);
  expect(await sorted('--stream', 'stderr')).toEqual(['web | two']);
  expect(await sorted('--grep', '^t')).toEqual(['web | three', 'web | two']);
  expect(await sorted('-n', '1', '--no-log-prefix')).toEqual(['three']);
  expect(await sorted('-n', '0')).toEqual([]);
  expect(await sorted('--until', '1h')).toEqual([]);
  expect(await sorted('--since', '1h')).toHaveLength(3);
  expect(await rig.ok(['logs', '-t', '-n', '1'])).toMatch(/^web \| \d{4}-\d\d-\d\dT[\d:.]+Z three\n$/);
  const json = await rig.ok(['logs', '--format', 'json', '--stream', 'stderr', 'web']);
  expect(JSON.parse(json)).toMatchObject({ machine: 'web', stream: 'stderr', text: 'two' });
});

test('logs -f shows what is there, survives restart and recreation, and ends with 130', async () => {
  await using rig = await createCliRig(machine('web', `echo run $$; ${SERVICE}`));
  await rig.ok(['up', '-d']);
  const logs = rig.spawn(['logs', '-f']);
  await logs.waitForOutput(/ready/);
  const lines = (): number => logs.stdout().split('web | ready').length - 1;
  await rig.ok(['restart', 'web']);
  await expect.poll(lines, { timeout: 20_000 }).toBe(2);
  await rig.ok(['up', '-d', '--force-recreate']);
  await expect.poll(lines, { timeout: 20_000 }).toBe(3);
  logs.signal('SIGINT');
  const result = await logs.result;
  expect(result).toMatchObject({ code: 130, signal: null, stderr: '' });
});

test('a reader that leaves early is no error', async () => {
  await using rig = await createCliRig(machine('web', 'seq 1 20000'));
  await rig.ok(['up', '-d']);
  await rig.krun(['wait']);
  const logs = rig.spawn(['logs']);
  logs.child.stdout?.once('data', () => logs.child.stdout?.destroy());
  expect(await logs.result).toMatchObject({ code: 0, stderr: '' });
});

test('events follow the project as lines or json, with earlier ones on request', async () => {
  await using rig = await createCliRig(machine('web', SERVICE));
  await rig.ok(['up', '-d']);
  const events = rig.spawn(['events', '--json', '--since', '1h']);
  await events.waitForOutput(/"status":"running"/);
  await rig.ok(['stop']);
  await events.waitForOutput(/"status":"exited"/);
  events.signal('SIGINT');
  const { code, stdout } = await events.result;
  expect(code).toBe(130);
  const types = stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => (JSON.parse(line) as { type: string }).type);
  expect(types[0]).toBe('plan');
  expect(types).toContain('state');
  expect(stdout).not.toContain('definition');
});

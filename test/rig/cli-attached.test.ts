import path from 'node:path';
import { expect, test } from 'vitest';
import { createCliRig, machine, SERVICE, writeMachines } from './cli-project.ts';

const TWO = machine('db', SERVICE) + machine('web', SERVICE, { depends_on: '[db]' });

test('attached up shows prefixed output, and the first Ctrl-C stops in reverse order and ends with 0', async () => {
  await using rig = await createCliRig(TWO);
  const up = rig.spawn(['up']);
  await up.waitForOutput(/^web \| ready$/m);
  up.signal('SIGINT');
  const result = await up.result;
  expect(result.code).toBe(0);
  expect(result.stdout).toMatch(/^db {2}\| ready$/m);
  expect(result.stderr).toContain('stopping (Ctrl-C again kills)');
  expect(result.stderr.indexOf('web  stopped')).toBeLessThan(result.stderr.indexOf('db   stopping'));
  expect(await rig.ok(['ps', '-q'])).toBe('');
  expect(await rig.ok(['ps', '-aq'])).toBe('db\nweb\n');
});

test('the second Ctrl-C kills and ends with 130', async () => {
  const stubborn = 'trap "" TERM; echo ready; while :; do sleep 1; done';
  await using rig = await createCliRig(machine('web', stubborn, { stop_grace_period: '60s' }));
  const up = rig.spawn(['up']);
  await up.waitForOutput(/^web \| ready$/m);
  up.signal('SIGINT');
  await up.waitForOutput(/web +stopping/);
  up.signal('SIGINT');
  const result = await up.result;
  expect(result.code).toBe(130);
  expect(result.stderr).toContain('web exited (SIGKILL)');
  expect(await rig.ok(['ps', '-q'])).toBe('');
});

test('SIGTERM stops as Ctrl-C does', async () => {
  await using rig = await createCliRig(TWO);
  const up = rig.spawn(['up', 'db']);
  await up.waitForOutput(/^db \| ready$/m);
  up.signal('SIGTERM');
  expect((await up.result).code).toBe(0);
});

test('attached up ends with 0 when all machines have ended, and says how they did', async () => {
  await using rig = await createCliRig(machine('a', 'echo one') + machine('b', 'echo two; exit 3'));
  const result = await rig.krun(['up']);
  expect(result.code).toBe(0);
  expect(result.stdout.split('\n').toSorted()).toEqual(['', 'a | one', 'b | two']);
  expect(result.stderr).toContain('a exited (0)');
  expect(result.stderr).toContain('b exited (3)');
});

test('--exit-code-from returns the code of its machine and stops the others', async () => {
  await using rig = await createCliRig(machine('test', 'sleep 1; exit 7') + machine('web', SERVICE));
  const result = await rig.krun(['up', '--exit-code-from', 'test']);
  expect(result.code).toBe(7);
  expect(result.stderr).toContain('stopping all machines, because test has ended');
  expect(await rig.ok(['ps', '-q'])).toBe('');
});

test('--abort-on-exit returns the code of the machine that ended first; a task that is done is no end', async () => {
  const machines =
    machine('job', 'exit 0', { kind: 'task' }) + machine('web', SERVICE) + machine('x', 'sleep 1; exit 4');
  await using rig = await createCliRig(machines);
  const result = await rig.krun(['up', '--abort-on-exit']);
  expect(result.code).toBe(4);
  expect(result.stderr).toContain('because x has ended');
});

test('--abort-on-failure lets a success pass', async () => {
  const machines = machine('good', 'exit 0') + machine('bad', 'sleep 1; exit 9') + machine('web', SERVICE);
  await using rig = await createCliRig(machines);
  const result = await rig.krun(['up', '--abort-on-failure']);
  expect(result.code).toBe(9);
  expect(result.stderr).toContain('because bad has ended');
});

test('an exit code that is asked for and unknown is 125', async () => {
  await using rig = await createCliRig(machine('web', SERVICE));
  const up = rig.spawn(['up', '--exit-code-from', 'web']);
  await up.waitForOutput(/^web \| ready$/m);
  await rig.ok(['kill', 'web']);
  expect((await up.result).code).toBe(125);
});

test('--attach, --no-attach and --no-log-prefix choose what is shown', async () => {
  const three = ['a', 'b', 'c'].map((name) => machine(name, `echo from ${name}`)).join('');
  await using rig = await createCliRig(three);
  const some = await rig.krun(['up', '--attach', 'a', '--no-log-prefix']);
  expect(some).toMatchObject({ code: 0, stdout: 'from a\n' });
  const others = await rig.krun(['up', '--no-attach', 'a', '--no-attach', 'b']);
  expect(others).toMatchObject({ code: 0, stdout: 'c | from c\n' });
});

test('a machine that cannot start fails the command', async () => {
  await using rig = await createCliRig(machine('web', SERVICE));
  await rig.write('root/.fake', 'return -22\n');
  const result = await rig.krun(['up', '-d', '--wait']);
  expect(result.code).toBe(1);
  expect(result.stderr).toMatch(/web +(?:start|wait) failed/);
  const attached = await rig.krun(['up']);
  expect(attached.code).toBe(1);
  expect(attached.stderr.split('failed: ').length - 1).toBe(1);
});

test('--wait-timeout ends with 124 and leaves the request going', async () => {
  await using rig = await createCliRig(machine('job', 'sleep 600', { kind: 'task' }));
  const result = await rig.krun(['up', '--wait', '--wait-timeout', '2']);
  expect(result.code).toBe(124);
  expect(result.stderr).toContain('not ready after 2 s');
  await expect.poll(() => rig.ok(['ps', '--status', 'running', '-q'])).toBe('job\n');
});

test('json progress of an attached up holds nothing else, and its output is not mixed in', async () => {
  await using rig = await createCliRig('');
  const go = path.join(rig.base, 'go');
  const untilWebIsReady = `until [ -e ${go} ]; do sleep 0.05; done; exit 4`;
  await writeMachines(
    rig,
    machine('web', `echo ready; : >${go}; exec sleep 1000`) + machine('x', untilWebIsReady),
  );
  const { code, stdout, stderr } = await rig.krun(['--progress', 'json', 'up', '--abort-on-exit']);
  expect(code).toBe(4);
  expect(stdout).toContain('web | ready');
  const events = stderr
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
  expect(events).toContainEqual(
    expect.objectContaining({
      type: 'state',
      machine: 'x',
      state: expect.objectContaining({ exit: { code: 4 } }),
    }),
  );
  expect(events).toContainEqual(
    expect.objectContaining({ type: 'message', text: 'stopping all machines, because x has ended' }),
  );
});

test('json progress is one event a line on stderr', async () => {
  await using rig = await createCliRig(machine('web', SERVICE));
  const result = await rig.krun(['--progress', 'json', 'up', '-d']);
  const types = result.stderr
    .split('\n')
    .filter(Boolean)
    .map((line) => (JSON.parse(line) as { type: string }).type);
  expect(types[0]).toBe('plan');
  expect(types.at(-1)).toBe('done');
  await rig.write('krun.yaml', 'machines:\n  web:\n    memori: 1GiB\n');
  const [, ...mistakes] = (await rig.krun(['--progress', 'json', 'up', '-d'])).stderr.trimEnd().split('\n');
  expect(mistakes.map((line): unknown => JSON.parse(line))).toMatchObject([
    { type: 'diagnostic', severity: 'error', code: 'unknown-key', line: 3, column: 5 },
  ]);
  expect((await rig.krun(['--progress', 'quiet', 'stop'])).stderr).toBe('');
});

import { expect, test } from 'vitest';
import { createCliRig, machine, SERVICE, writeMachines } from './cli-project.ts';

const NEVER = '{ log: "up and running", hint: "is the licence there?" }';

test('--wait-timeout tells what it waited for, with the last of the log and the hint', async () => {
  await using rig = await createCliRig(
    machine('web', SERVICE, { healthcheck: NEVER }) + machine('x', SERVICE),
  );
  await rig.ok(['up', '-d']);
  await expect.poll(() => rig.ok(['logs', 'web'])).toContain('ready');
  const { code, stderr } = await rig.krun(['up', '--wait', '--wait-timeout', '2']);
  expect(code).toBe(124);
  const told = stderr.slice(stderr.indexOf('krun: not ready'));
  expect(told.replace(/\d+s/, 'Ns')).toBe(
    [
      'krun: not ready after 2 s',
      '  hint: the request goes on; krun ps shows how far it is',
      'web is running for Ns (health: starting)',
      '  the last lines of its log:',
      '    ready',
      '  hint: is the licence there?',
      '',
    ].join('\n'),
  );
  expect(await rig.ok(['ps'])).toMatch(/web +running for \d+s \(health: starting\)/);
});

test('a wait that fails tells what the health check found, and ps shows it', async () => {
  const healthcheck = '{ log: "up and running", interval: 100ms, retries: 2 }';
  await using rig = await createCliRig(machine('web', SERVICE));
  await rig.ok(['up', '-d']);
  await expect.poll(() => rig.ok(['logs', 'web'])).toContain('ready');
  // The machine goes on, with a health check from now on.
  await writeMachines(rig, machine('web', SERVICE, { healthcheck }));
  const { code, stderr } = await rig.krun(['--progress', 'plain', 'up', '--wait']);
  expect(code).toBe(1);
  expect(stderr).toContain(
    [
      'web  wait failed: machine web is unhealthy',
      '  hint: its output: krun logs web',
      '  its health check failed once: no line of its log matches up and running',
      '  the last lines of its log:',
      '    ready',
    ].join('\n'),
  );
  expect(await rig.ok(['ps'])).toContain('(unhealthy: no line of its log matches up and running)');
  const [line = ''] = (await rig.ok(['ps', '--format', 'json'])).split('\n');
  expect(JSON.parse(line)).toMatchObject({ health: { status: 'unhealthy', wasHealthy: false } });
});

import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { processIdentity } from '../../src/host/identity.ts';
import { createCliRig, machine, SERVICE, writeMachines } from './cli-project.ts';

const TWO = machine('db', SERVICE) + machine('web', SERVICE, { depends_on: '[db]' });

interface PsLine {
  readonly name: string;
  readonly status: string;
  readonly exitCode: number | null;
  readonly run: number;
}

function parseLines(text: string): readonly PsLine[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as PsLine);
}

test('up -d creates in dependency order with causes, and a second up does nothing and says so', async () => {
  await using rig = await createCliRig(TWO);
  const first = await rig.krun(['up', '-d']);
  expect(first).toMatchObject({ code: 0, stdout: '' });
  expect(first.stderr.indexOf('db   started')).toBeLessThan(first.stderr.indexOf('web  starting'));
  expect(first.stderr).toContain('web  creating: new machine (krun.yaml:');
  const second = await rig.krun(['up', '-d']);
  expect(second).toMatchObject({ code: 0, stderr: 'db is up to date\nweb is up to date\n' });
});

test('ps, start, stop, restart, kill, rm and down do what their names say', async () => {
  await using rig = await createCliRig(TWO);
  const ps = async (...args: readonly string[]): Promise<readonly PsLine[]> =>
    parseLines(await rig.ok(['ps', '-a', '--format', 'json', ...args]));
  await rig.ok(['up', '-d']);
  expect(await ps()).toMatchObject([
    { name: 'db', status: 'running', run: 1 },
    { name: 'web', status: 'running', run: 1 },
  ]);
  expect(await rig.ok(['ps', '-q'])).toBe('db\nweb\n');

  await rig.ok(['stop', 'web']);
  expect(await ps('web')).toMatchObject([{ status: 'exited', exitCode: 143 }]);
  expect(await rig.ok(['ps', '--services'])).toBe('db\n');
  expect(await rig.ok(['ps', '-q', '--status', 'exited'])).toBe('web\n');
  await rig.ok(['start', 'web']);
  expect(await ps('web')).toMatchObject([{ status: 'running', run: 2 }]);
  await rig.ok(['restart', 'web']);
  expect(await ps('web')).toMatchObject([{ status: 'running', run: 3 }]);

  await rig.ok(['kill', 'web']);
  await rig.krun(['wait', 'web']);
  expect(await ps('web')).toMatchObject([{ status: 'exited', exitCode: null }]);
  expect((await rig.krun(['rm', 'web'])).code).toBe(2);
  await rig.ok(['rm', '-f', 'web']);
  expect(await rig.ok(['ps', '-aq'])).toBe('db\n');

  await rig.ok(['down']);
  expect(await rig.ok(['ps', '-aq'])).toBe('');
});

test('the table of ps hides what does not run, and says so', async () => {
  await using rig = await createCliRig(machine('job', 'exit 7', { kind: 'task' }));
  await rig.ok(['up', '-d']);
  expect((await rig.krun(['wait'])).code).toBe(7);
  const some = await rig.krun(['ps']);
  expect(some).toMatchObject({ stdout: 'NAME   STATUS   COMMAND   PORTS\n' });
  expect(some.stderr).toBe('1 machine does not run (krun ps -a shows all)\n');
  expect(await rig.ok(['ps', '-a'])).toMatch(/^job {4}exited \(7\) \d+s ago/m);
});

test('plan tells by its exit code whether there is something to do, and names the changed field', async () => {
  await using rig = await createCliRig(TWO);
  expect((await rig.krun(['plan'])).code).toBe(3);
  await rig.ok(['up', '-d']);
  expect(await rig.krun(['plan'])).toMatchObject({ code: 0, stdout: 'Nothing to do.\n' });
  await writeMachines(
    rig,
    machine('db', SERVICE) + machine('web', SERVICE, { depends_on: '[db]', memory: '1GiB' }),
  );
  const changed = await rig.krun(['plan']);
  expect(changed).toMatchObject({ code: 3, stderr: '' });
  expect(changed.stdout).toMatch(/~ web +recreate +memory changed 512 -> 1024 MiB \(krun\.yaml:\d+\)/);
  expect(changed.stdout).not.toContain('db');
  const json = JSON.parse((await rig.krun(['plan', '--format', 'json'])).stdout) as {
    actions: { type: string }[];
  };
  expect(json.actions.map((action) => action.type)).toContain('create');
  expect((await rig.krun(['up', '--dry-run'])).stdout).toBe(changed.stdout);
  expect((await rig.krun(['plan'])).code).toBe(3);
  await rig.ok(['up', '-d']);
  expect((await rig.krun(['plan'])).code).toBe(0);
});

test('wait prints each exit code and returns the last one', async () => {
  await using rig = await createCliRig('');
  const go = path.join(rig.base, 'go');
  const b = `until [ -e ${go} ]; do sleep 0.05; done; exit 5`;
  await writeMachines(rig, machine('a', 'exit 3') + machine('b', b));
  await rig.ok(['up', '-d']);
  const wait = rig.spawn(['wait']);
  await wait.waitForOutput(/^a 3$/m);
  await writeFile(go, '');
  expect(await wait.result).toMatchObject({ code: 5, stdout: 'a 3\nb 5\n' });
  expect(await rig.krun(['wait', 'a'])).toMatchObject({ code: 3, stdout: 'a 3\n' });
});

test('an exit code that nobody knows is 125, never 0', async () => {
  await using rig = await createCliRig(machine('a', SERVICE));
  await rig.ok(['up', '-d']);
  await rig.ok(['kill']);
  expect(await rig.krun(['wait'])).toMatchObject({ code: 125, stdout: 'a unknown\n' });
});

test('a broken krun.yaml stops up before anything happens, and does not keep down from working', async () => {
  await using rig = await createCliRig(TWO);
  await rig.ok(['up', '-d']);
  await rig.write('.env', 'A="x\n');
  expect((await rig.krun(['plan'])).stderr).toMatch(/^\.env:1:3: error/);
  await rig.write('krun.yaml', 'machines:\n  web:\n    memori: 1GiB\n');
  const up = await rig.krun(['up', '-d']);
  expect(up).toMatchObject({ code: 2, stdout: '' });
  expect(up.stderr).toMatch(/krun\.yaml:3:5/);
  expect(up.stderr).not.toContain('    at ');
  expect((await rig.krun(['validate'])).code).toBe(2);
  expect(await rig.ok(['ps', '-q'])).toBe('db\nweb\n');
  await rig.ok(['stop', 'web']);
  await rig.ok(['down']);
  expect(await rig.ok(['ps', '-aq'])).toBe('');
});

test('a project in which nothing was ever done stays untouched by what only ends things', async () => {
  await using rig = await createCliRig(TWO);
  for (const command of ['down', 'stop', 'kill', 'start']) {
    const result = await rig.krun([command]);
    expect(result, command).toMatchObject({ code: 0, stderr: 'nothing to do\n' });
  }
  expect(await rig.krun(['stop', 'web'])).toMatchObject({ code: 1 });
  expect((await rig.krun(['logs'])).stderr).toBe('there are no machines (krun up creates them)\n');
  await expect(rig.read('.krun/lock')).rejects.toThrow('ENOENT');
  await rig.ok(['up', '-d']);
  await rig.ok(['down']);
  expect((await rig.krun(['start'])).stderr).toBe('there are no machines (krun up creates them)\n');
});

test('an unknown machine is refused with the nearest name', async () => {
  await using rig = await createCliRig(TWO);
  await rig.ok(['up', '-d']);
  for (const command of ['ps', 'logs', 'inspect', 'wait']) {
    const result = await rig.krun([command, 'wbe']);
    expect(result.code, command).toBe(1);
    expect(result.stderr, command).toContain('did you mean web?');
  }
  expect((await rig.krun(['stop', 'wbe'])).stderr).toContain('did you mean web?');
});

test('ls shows projects from anywhere, and forgets them after down', async () => {
  await using rig = await createCliRig(TWO);
  await rig.ok(['up', '-d']);
  await rig.ok(['-p', 'other', 'up', '-d', 'db']);
  const list = await rig.ok(['ls', '--format', 'json'], { cwd: '/' });
  expect(
    list
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as object),
  ).toMatchObject([
    { name: 'demo', status: 'running', active: 2, total: 2, directory: rig.directory },
    { name: 'other', active: 1, total: 1 },
  ]);
  await rig.ok(['-p', 'other', 'down']);
  expect(await rig.ok(['ls', '-q'], { cwd: '/' })).toBe('demo\n');
  await rig.ok(['stop']);
  expect(await rig.ok(['ls', '-q'])).toBe('');
  expect(await rig.ok(['ls', '-aq'])).toBe('demo\n');
});

test('down -v refuses without a terminal, takes -y, and keeps protected disks', async () => {
  await using rig = await createCliRig('');
  await rig.write(
    'krun.yaml',
    `name: demo\nmachines:\n${machine('db', SERVICE, { disks: '[data, safe]' })}` +
      'disks:\n  data: { size: 1MiB }\n  safe: { size: 1MiB, protect: true }\n',
  );
  await rig.ok(['up', '-d']);
  const refused = await rig.krun(['down', '-v']);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain(
    'krun: deleting disk data needs a yes, and there is no terminal to ask on\n  hint: add -y\n',
  );
  expect(await rig.ok(['ps', '-q'])).toBe('db\n');
  const down = await rig.krun(['down', '-v', '-y']);
  expect(down.code).toBe(0);
  expect(down.stderr).toContain('disk safe is kept: it is protected');
  expect(down.stderr).toMatch(/disk data +deleted/);
  await rig.read('.krun/disks/safe.raw');
  await expect(rig.read('.krun/disks/data.raw')).rejects.toThrow('ENOENT');
});

test('inspect tells all about a machine', async () => {
  await using rig = await createCliRig(TWO);
  await rig.ok(['up', '-d']);
  const [web] = JSON.parse(await rig.ok(['inspect', 'web'])) as [Record<string, Record<string, unknown>>];
  expect(web).toMatchObject({
    name: 'web',
    project: { directory: rig.directory },
    record: { run: 1, state: { status: 'running' } },
    libkrun: { libkrun: rig.env['KRUN_LIBKRUN'] },
    definition: { memoryMiB: 512 },
  });
  expect(web['process']?.['pid']).toBeTypeOf('number');
});

test('a supervisor that was killed is replaced by ps, and the machines run on', async () => {
  await using rig = await createCliRig(TWO);
  await rig.ok(['up', '-d']);
  const supervisors = async (): Promise<readonly number[]> =>
    (await rig.leftovers()).filter(({ command }) => command.includes('supervisor.js')).map(({ pid }) => pid);
  const before = await supervisors();
  expect(before).toHaveLength(1);
  for (const pid of before) process.kill(pid, 'SIGKILL');
  // Until the last of its threads has ended, its socket takes connections.
  await expect.poll(() => before.map(processIdentity), { timeout: 10_000 }).toEqual([undefined]);
  expect(await rig.ok(['ps', '-q'])).toBe('db\nweb\n');
  await expect.poll(supervisors, { timeout: 10_000 }).toHaveLength(1);
  expect(await supervisors()).not.toEqual(before);
  await rig.ok(['down']);
});

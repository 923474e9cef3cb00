import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { createCliRig, machine, SERVICE, writeMachines } from './cli-project.ts';
import type { Rig } from './support/rig.ts';

interface PsLine {
  readonly name: string;
  readonly status: string;
  readonly exitCode: number | null;
}

async function ps(rig: Rig): Promise<readonly PsLine[]> {
  const text = await rig.ok(['ps', '-a', '--format', 'json']);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as PsLine);
}

const MACHINES = machine('db', SERVICE) + machine('web', 'echo own', { depends_on: '[db]' });

test('run starts what its machine needs, runs the command with its input and output, and ends', async () => {
  await using rig = await createCliRig(MACHINES);
  const script = 'read line; echo "got $line"; echo err >&2; exit 4';
  const result = await rig.krun(['run', 'web', 'sh', '-c', script], { input: 'hello\n' });
  expect(result).toMatchObject({ code: 4, stdout: 'got hello\n' });
  expect(result.stderr).toContain('db           ');
  expect(result.stderr).toMatch(/web-run-[0-9a-f]{8} +creating: krun run web\n/);
  expect(result.stderr).toContain('err\n');
  expect(await ps(rig)).toMatchObject([
    { name: 'db', status: 'running' },
    { name: expect.stringMatching(/^web-run-[0-9a-f]{8}$/), status: 'exited', exitCode: 4 },
  ]);
});

test('without a command run takes the machine’s own, and --rm leaves nothing', async () => {
  await using rig = await createCliRig(MACHINES);
  const result = await rig.krun(['run', '--rm', '--no-deps', 'web']);
  expect(result).toMatchObject({ code: 0, stdout: 'own\n' });
  expect(await ps(rig)).toEqual([]);
});

test('the machine is like the other one but for what the options say', async () => {
  await using rig = await createCliRig('');
  await writeMachines(
    rig,
    machine('web', SERVICE, { environment: '{ A: file, B: file }', working_dir: '/usr', user: '"1:1"' }),
  );
  const shown = 'echo "$A|$B|$C|$(pwd)|$(id -u)"';
  expect(await rig.ok(['run', '--rm', 'web', 'sh', '-c', shown])).toBe('file|file||/usr|1\n');
  const options = ['-e', 'B=new', '-e', 'C=more', '-w', '/tmp', '-u', '2:2'];
  expect(await rig.ok(['run', '--rm', ...options, 'web', 'sh', '-c', shown])).toBe('file|new|more|/tmp|2\n');
  expect(await rig.ok(['run', '--rm', '--entrypoint', 'echo "a b"', 'web', 'c'])).toBe('a b c\n');
});

test('a name is taken once', async () => {
  await using rig = await createCliRig(machine('web', SERVICE) + machine('db', SERVICE));
  await rig.ok(['run', '--name', 'once', 'web', 'true']);
  expect(await rig.krun(['run', '--name', 'once', 'web', 'true'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(
      'krun: there is a machine once already\n  hint: krun rm once removes it\n',
    ),
  });
  expect(await rig.krun(['run', '--name', 'db', 'web', 'true'])).toMatchObject({ code: 2 });
  expect(await rig.krun(['run', '--name', 'No', 'web', 'true'])).toMatchObject({ code: 2 });
  expect(await rig.krun(['run', 'wbe', 'true'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('did you mean web?'),
  });
});

test('up tells of a run that is left, start and restart do not touch it, down removes it', async () => {
  await using rig = await createCliRig(machine('web', SERVICE));
  await rig.ok(['run', '--name', 'once', 'web', 'true']);
  expect((await rig.krun(['up', '-d'])).stderr).toContain(
    'one-off machine once is kept: it is left from krun run web (--remove-orphans removes it)',
  );
  await rig.ok(['restart']);
  expect(await ps(rig)).toMatchObject([
    { name: 'once', status: 'exited' },
    { name: 'web', status: 'running' },
  ]);
  await rig.ok(['up', '-d', '--remove-orphans']);
  expect(await ps(rig)).toMatchObject([{ name: 'web' }]);
  await rig.ok(['run', '--name', 'twice', 'web', 'true']);
  await rig.ok(['down']);
  expect(await ps(rig)).toEqual([]);
});

test('-d prints the name and returns; --rm removes the machine when its command has ended', async () => {
  await using rig = await createCliRig(machine('web', SERVICE));
  const name = (await rig.ok(['run', '-d', 'web', 'sh', '-c', 'echo shown; exit 3'])).trim();
  expect(name).toMatch(/^web-run-[0-9a-f]{8}$/);
  expect((await rig.krun(['wait', name])).code).toBe(3);
  expect(await rig.ok(['logs', '--no-log-prefix', name])).toBe('shown\n');

  await rig.ok(['run', '-d', '--rm', '--name', 'gone', 'web', 'true']);
  await expect.poll(async () => (await ps(rig)).map((each) => each.name)).toEqual([name]);
});

test('Ctrl-C reaches the command, and the machine ends with it', async () => {
  await using rig = await createCliRig(machine('web', SERVICE));
  const running = rig.spawn(['run', '--rm', 'web', 'sh', '-c', 'echo ready; exec sleep 1000']);
  await running.waitForOutput(/ready/);
  running.signal('SIGINT');
  expect(await running.result).toMatchObject({ code: 130 });
  expect(await ps(rig)).toEqual([]);
});

test('the machine ends with its command also where krun is killed', async () => {
  await using rig = await createCliRig(machine('web', SERVICE));
  const script = 'trap "exit 7" HUP; echo ready; while :; do sleep 0.1; done';
  const running = rig.spawn(['run', '--name', 'once', 'web', 'sh', '-c', script]);
  await running.waitForOutput(/ready/);
  running.signal('SIGKILL');
  await running.result;
  await rig.krun(['wait', 'once']);
  expect(await ps(rig)).toMatchObject([{ name: 'once', status: 'exited', exitCode: 7 }]);
});

test('a machine of --rm that ended without a supervisor is removed by the next one', async () => {
  await using rig = await createCliRig(machine('web', SERVICE));
  const go = path.join(rig.base, 'go');
  const script = `while [ ! -e ${go} ]; do sleep 0.05; done`;
  await rig.ok(['run', '-d', '--rm', '--name', 'once', 'web', 'sh', '-c', script]);
  const isPart = (program: string) => (each: { readonly command: string }) => each.command.includes(program);
  const supervisor = (await rig.leftovers()).find(isPart('supervisor.js'));
  if (!supervisor) throw new Error('there is no supervisor');
  process.kill(supervisor.pid, 'SIGKILL');
  await writeFile(go, '');
  await expect.poll(async () => (await rig.leftovers()).some(isPart('machine.js'))).toBe(false);
  await rig.ok(['stop']);
  await expect.poll(() => ps(rig)).toEqual([]);
});

test('a guest that cannot be set up fails the run', async () => {
  await using rig = await createCliRig(machine('web', SERVICE, { working_dir: '/no/such' }));
  const result = await rig.krun(['run', '--rm', 'web', 'true']);
  expect(result).toMatchObject({ code: 125 });
  expect(result.stderr).toContain('/no/such is not a directory');
  expect(await ps(rig)).toEqual([]);
});

test('Ctrl-C while machines start ends the run, and what it needs stays', async () => {
  await using rig = await createCliRig(
    machine('db', SERVICE) + machine('web', SERVICE, { root: './slow', depends_on: '[db]' }),
  );
  await rig.write('slow/bin/sh', '#!/bin/sh\n', 0o755);
  await rig.write('slow/.fake', 'slow 60000\n');
  const running = rig.spawn(['run', '--name', 'once', 'web', 'true']);
  await running.waitForOutput(/once +starting/);
  running.signal('SIGINT');
  expect(await running.result).toMatchObject({ code: 130 });
  expect(await ps(rig)).toMatchObject([
    { name: 'db', status: 'running' },
    { name: 'once', status: 'exited' },
  ]);
});

test('a mistake in an option is shown where it was written', async () => {
  await using rig = await createCliRig(machine('web', SERVICE));
  const { code, stderr } = await rig.krun(['run', '-v', './missing:/data', 'web', 'true']);
  expect(code).toBe(2);
  expect(stderr).toContain('<command line>:1:4');
  expect(stderr).toContain('missing');
});

test('a machine without agent runs a command of its own only detached', async () => {
  await using rig = await createCliRig(machine('bare', 'exit 0', { agent: 'false' }));
  expect(await rig.krun(['run', 'bare'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('bare has no agent'),
  });
});

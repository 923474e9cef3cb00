import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { createCliRig, machine, SERVICE } from './cli-project.ts';

test('shell is the login shell of the user, and runs words as they are', async () => {
  await using rig = await createCliRig(machine('web', SERVICE, { working_dir: '/usr' }));
  await rig.ok(['up', '-d']);
  const passwd = await readFile('/etc/passwd', 'utf8');
  const [, home, shell] = /^root:[^:]*:0:[^:]*:[^:]*:([^:]*):(.*)$/m.exec(passwd) ?? [];
  const shown = await rig.ok(['shell', '-T', 'web', 'sh', '-c', 'echo "$HOME|$USER|$SHELL|$(pwd)"']);
  expect(shown).toBe(`${home}|root|${shell}|/usr\n`);
  expect(await rig.ok(['shell', '-T', 'web', 'printf', '[%s]', "it's", '$HOME', 'a  b', ''])).toBe(
    "[it's][$HOME][a  b][]",
  );
  expect(await rig.krun(['shell', '-T', 'web', 'sh', '-c', 'exit 6'])).toMatchObject({ code: 6 });
  expect(await rig.ok(['shell', '-T'], { input: 'echo from input; exit\n' })).toBe('from input\n');
  expect(await rig.ok(['shell', '-T', '-w', '/tmp', 'web', 'pwd'])).toBe('/tmp\n');
});

test('shell chooses the only machine that runs, and says which ones there are', async () => {
  await using rig = await createCliRig(machine('db', SERVICE) + machine('web', SERVICE));
  expect(await rig.krun(['shell', '-T'])).toMatchObject({
    code: 1,
    stderr: 'krun: there are no machines\n  hint: krun up creates them\n',
  });
  await rig.ok(['up', '-d']);
  expect(await rig.krun(['shell', '-T'])).toMatchObject({
    code: 2,
    stderr: 'krun: which machine?\n  hint: these run: db, web\n',
  });
  await rig.ok(['stop', 'db']);
  expect(await rig.ok(['shell', '-T'], { input: 'echo here\n' })).toBe('here\n');
  expect(await rig.krun(['shell', '-T', 'db', 'true'])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^krun: db does not run: exited \(143\)/),
  });
});

test('top lists the processes of machines, as a table or as JSON', async () => {
  await using rig = await createCliRig(machine('web', 'exec sleep 4711'));
  await rig.ok(['up', '-d']);
  let table = '';
  await expect.poll(async () => (table = await rig.ok(['top']))).toMatch(/ sleep 4711$/m);
  expect(table).toMatch(/^web\nUSER +PID +PPID +STAT +TIME +COMMAND\n/);
  expect(table).toMatch(/^root +\d+ +\d+ +\S+ +\S+ +sleep 4711$/m);
  const lines = (await rig.ok(['top', '--format', 'json', 'web'])).trim().split('\n');
  const processes = lines.map((line) => JSON.parse(line) as { machine: string; command: string });
  expect(processes.find(({ command }) => command === 'sleep 4711')).toMatchObject({
    machine: 'web',
    user: 'root',
  });
  expect(lines.join('\n')).not.toContain('ps -ww');
  await rig.ok(['stop']);
  expect(await rig.krun(['top'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('no machine runs'),
  });
  expect(await rig.krun(['top', 'web'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('does not run'),
  });
});

test('stats shows what the host sees and what the guest says, once or again and again', async () => {
  await using rig = await createCliRig(
    machine('busy', 'while :; do :; done') + machine('bare', SERVICE, { agent: 'false' }),
  );
  await rig.ok(['up', '-d']);
  let stats: readonly Record<string, unknown>[] = [];
  const sample = async (): Promise<typeof stats> => {
    const lines = (await rig.ok(['stats', '--no-stream', '--format', 'json'])).trim().split('\n');
    return (stats = lines.map((line) => JSON.parse(line) as Record<string, unknown>));
  };
  // A guest that is slow to say is shown without its own values.
  await expect.poll(sample).toMatchObject([
    { name: 'bare', guest: null },
    {
      name: 'busy',
      guest: {
        memoryTotalBytes: expect.any(Number),
        load: expect.any(Number),
        disk: { totalBytes: expect.any(Number) },
        network: { receivedBytes: expect.any(Number) },
      },
    },
  ]);
  for (const { hostMemoryBytes } of stats) expect(hostMemoryBytes).toBeGreaterThan(1024 ** 2);

  const running = rig.spawn(['stats', 'bare']);
  await running.waitForOutput(/(NAME[^]*){3}/);
  running.signal('SIGINT');
  expect(await running.result).toMatchObject({ code: 130, stderr: '' });
  expect(running.stdout()).toMatch(/^bare +\d+\.\d% +\d+(\.\d)? MiB +- +- +- +-$/m);
  expect(await rig.krun(['stats', 'wbe'])).toMatchObject({ code: 1 });
});

test('console prints what the kernel and libkrun said, also of a machine that has ended', async () => {
  await using rig = await createCliRig(machine('web', 'exit 0'));
  await mkdir(path.join(rig.directory, 'root'), { recursive: true });
  await rig.write('root/.fake', 'kernel-panic\n');
  await rig.krun(['up', '-d']);
  await rig.krun(['wait', 'web']);
  const { code, stdout, stderr } = await rig.krun(['console', 'web']);
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: 'web does not run; this is its last console\n',
  });
  expect(stdout).toContain('Kernel panic');
  expect((await rig.ok(['console', '--no-follow', '-n', '1', 'web'])).trim().split('\n')).toHaveLength(1);
});

const TICKS = "trap 'echo bye; echo err >&2; exit 5' INT; echo early; while :; do sleep 0.2; echo tick; done";

test('attach shows the output from now on, passes signals on and has the exit code', async () => {
  await using rig = await createCliRig(machine('web', TICKS));
  await rig.ok(['up', '-d']);
  await expect.poll(() => rig.ok(['logs', 'web'])).toContain('tick');
  const running = rig.spawn(['attach', 'web']);
  await running.waitForOutput(/tick/);
  running.signal('SIGINT');
  expect(await running.result).toMatchObject({
    code: 5,
    stdout: expect.stringMatching(/^(tick\n)+bye\n$/),
    stderr: 'err\n',
  });
});

test('attach without proxied signals leaves the command alone', async () => {
  await using rig = await createCliRig(machine('web', TICKS));
  await rig.ok(['up', '-d']);
  const running = rig.spawn(['attach', '--no-sig-proxy', 'web']);
  await running.waitForOutput(/tick/);
  running.signal('SIGTERM');
  expect(await running.result).toMatchObject({ code: 143 });
  expect(await rig.ok(['ps', '-q'])).toBe('web\n');
});

test('attach sends input to a command that takes some, one client after the other', async () => {
  await using rig = await createCliRig(
    machine('web', 'while read -r line; do echo "got $$line"; done', { stdin_open: 'true' }),
  );
  await rig.ok(['up', '-d']);
  const send = async (line: string): Promise<void> => {
    const running = rig.spawn(['attach', '--no-sig-proxy', 'web'], { input: `${line}\n` });
    await running.waitForOutput(new RegExp(`got ${line}`));
    running.signal('SIGTERM');
    await running.result;
  };
  await send('one');
  await send('two');
  expect(await rig.ok(['logs', '--no-log-prefix', 'web'])).toBe('got one\ngot two\n');
});

test('completion offers machines that exist, those of krun.yaml for run, and leaves the guest’s words alone', async () => {
  await using rig = await createCliRig(machine('db', SERVICE) + machine('web', SERVICE));
  await rig.ok(['up', '-d', 'web']);
  const complete = async (...words: readonly string[]): Promise<readonly string[]> =>
    (await rig.ok(['complete', '--', ...words])).split('\n').map((line) => line.split('\t')[0] ?? '');
  for (const command of ['exec', 'shell', 'attach', 'console', 'top', 'stats'])
    expect(await complete(command, '')).toEqual(['web', ':4', '']);
  expect(await complete('run', '--rm', '')).toEqual(['db', 'web', ':4', '']);
  expect(await complete('exec', '-u', 'root', '')).toEqual(['web', ':4', '']);
  expect(await complete('exec', 'web', '')).toEqual([':0', '']);
  expect(await complete('exec', '--detach-k')).toEqual(['--detach-keys', ':4', '']);
});

import { expect, test } from 'vitest';
import { createCliRig, machine, SERVICE } from './cli-project.ts';

interface MachineCalls {
  readonly machine: string;
  readonly run?: number;
  readonly calls: readonly {
    readonly name: string;
    readonly args: readonly unknown[];
    readonly result?: string;
  }[];
}

const DIRECT = machine('db', SERVICE, {
  agent: 'false',
  working_dir: '/srv',
  environment: '{ MODE: fast, DB_PASSWORD: "hunter2", URL: "postgres://u:hunter2@db/x" }',
});

test('inspect --calls prints what libkrun would be told, starts nothing and shows no secrets', async () => {
  await using rig = await createCliRig(DIRECT);
  const text = await rig.ok(['inspect', '--calls', 'db']);
  expect(text.replaceAll(rig.directory, 'PROJECT')).toMatchInlineSnapshot(`
    "krun_init_log(<log>, 2, 2, 1)
    ctx = krun_create_ctx()
    krun_set_vm_config(ctx, 1, 512)
    krun_set_root(ctx, "PROJECT/root")
    krun_disable_implicit_vsock(ctx)
    krun_disable_implicit_console(ctx)
    krun_add_virtio_console_default(ctx, -1, <stdout>, <stderr>)
    krun_set_exec(ctx, "/bin/sh", ["-c","echo ready; while :; do sleep 1; done"], ["DB_PASSWORD=***","MODE=fast","URL=postgres://u:***@db/x"])
    krun_set_workdir(ctx, "/srv")
    krun_start_enter(ctx)
    "
  `);
  expect(text).not.toContain('hunter2');
  expect(await rig.leftovers()).toEqual([]);
  expect(await rig.ok(['ps', '-aq'])).toBe('');
});

test('inspect --calls of a machine that runs prints the calls of its run, whatever krun.yaml says by now', async () => {
  await using rig = await createCliRig(DIRECT);
  await rig.ok(['up', '-d']);
  const before = await rig.ok(['inspect', '--calls', 'db']);
  const file = await rig.read('krun.yaml');
  await rig.write('krun.yaml', file.replace('/srv', '/other'));
  expect(await rig.ok(['inspect', '--calls', 'db'])).toBe(before);
  const [running] = JSON.parse(
    await rig.ok(['inspect', '--calls', '--format', 'json']),
  ) as readonly MachineCalls[];
  expect(running).toMatchObject({ machine: 'db', run: 1 });
  await rig.ok(['stop']);
  expect(await rig.ok(['inspect', '--calls', 'db'])).toContain('krun_set_workdir(ctx, "/other")');
});

test('inspect shows no secret that a variable put into the words of a command, nor once it is another', async () => {
  await using rig = await createCliRig(
    machine('db', SERVICE, {
      agent: 'false',
      command: '["/bin/sh", "-c", "while :; do sleep 1; done", "--token=${API_TOKEN}"]',
    }),
    { files: { '.env': 'API_TOKEN=hunter2\n' } },
  );
  await rig.ok(['up', '-d']);
  await rig.write('.env', 'API_TOKEN=another\n');
  for (const args of [['inspect'], ['inspect', '--calls']]) {
    const text = await rig.ok(args);
    expect(text).toContain('"--token=***"');
    expect(text).not.toMatch(/hunter2|another/);
  }
});

test('inspect --calls of several machines names each, and as JSON has calls as objects', async () => {
  await using rig = await createCliRig(DIRECT + machine('web', SERVICE));
  const text = await rig.ok(['inspect', '--calls']);
  expect(text).toMatch(/^db:\n {2}krun_init_log\([^]*\n\nweb:\n {2}krun_init_log\(/);
  const all = JSON.parse(await rig.ok(['inspect', '--calls', '--format', 'json'])) as readonly MachineCalls[];
  expect(all.map(({ machine: name, run }) => [name, run])).toEqual([
    ['db', undefined],
    ['web', undefined],
  ]);
  expect(all[0]?.calls.slice(0, 3)).toEqual([
    { name: 'krun_init_log', args: [{ descriptor: 'log' }, 2, 2, 1] },
    { name: 'krun_create_ctx', args: [], result: 'ctx' },
    { name: 'krun_set_vm_config', args: [{ result: 'ctx' }, 1, 512] },
  ]);
});

test('inspect --calls tells unknown machines and a library that is not there', async () => {
  await using rig = await createCliRig(DIRECT);
  expect(await rig.krun(['inspect', '--calls', 'bd'])).toMatchObject({
    code: 1,
    stderr: 'krun: no machine bd\n  hint: machines: db\n',
  });
  const missing = await rig.krun(['inspect', '--calls'], { env: { KRUN_LIBKRUN: '/nowhere/libkrun.so.1' } });
  expect(missing).toMatchObject({ code: 1, stdout: '' });
  expect(missing.stderr).toContain('libkrun is not at /nowhere/libkrun.so.1, which KRUN_LIBKRUN names');
  expect(await rig.krun(['inspect', '--format', 'text'])).toMatchObject({ code: 2, stdout: '' });
});

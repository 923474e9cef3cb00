import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { expect, test } from 'vitest';
import { isAlive } from '../../src/host/identity.ts';
import { projectLayout } from '../../src/store/layout.ts';
import { ensureSupervisor } from '../../src/supervisor/ensure.ts';
import { kill, SupervisedProject } from './support/supervised.ts';
import { tsi } from '../support/definitions.ts';

const FOREVER = 'while :; do sleep 0.05; done';

async function lockHolder(project: SupervisedProject): Promise<number> {
  return (JSON.parse(await readFile(project.layout.lockFile, 'utf8')) as { pid: number }).pid;
}

test('a supervisor that hangs is told with its process, and how to end it', async () => {
  await using project = await SupervisedProject.create();
  await project.done(project.up([await project.machine('web', FOREVER)]));
  const pid = await lockHolder(project);
  kill(pid, 'SIGSTOP');
  const client = await ensureSupervisor(project.layout, { script: '/none', version: '0' });
  kill(pid, 'SIGKILL');
  expect(client.ok).toBe(false);
  if (client.ok) return;
  expect(client.error.message).toMatch(
    new RegExp(`^the project's supervisor \\(process ${pid}\\) does not answer`),
  );
  expect(client.error.hint).toContain(`kill -9 ${pid}`);
});

test('a machine process that hangs is ended by a stop and by a down', async () => {
  await using project = await SupervisedProject.create();
  const web = await project.machine('web', FOREVER, { stopGracePeriodMs: 60_000 });
  await project.done(project.up([web]));
  kill((await project.identity('web')).pid, 'SIGSTOP');
  await project.done({ type: 'stop', machines: [] });
  expect((await project.record('web'))?.state).toMatchObject({
    status: 'exited',
    exit: { code: null, signal: 'SIGKILL' },
  });
  await project.done(project.up([web]));
  kill((await project.identity('web')).pid, 'SIGSTOP');
  await project.done(project.down());
  await project.untilNoProcess();
});

test.each([{ supervisor: 'lives' }, { supervisor: 'is dead' }])(
  'who deletes .krun while machines run ends them, where the supervisor $supervisor',
  async ({ supervisor }) => {
    await using project = await SupervisedProject.create();
    const always = { restart: { policy: 'always' } } as const;
    const machines = [await project.machine('web', FOREVER, always), await project.machine('bare', FOREVER)];
    await project.done(project.up(machines));
    const before = await project.identity('web');
    if (supervisor === 'is dead') kill(await lockHolder(project), 'SIGKILL');
    // Whoever runs still writes into it.
    rmSync(path.join(project.layout.projectDirectory, '.krun'), { recursive: true, maxRetries: 5 });
    await project.untilNoProcess();
    await expect.poll(() => isAlive(before)).toBe(false);
    await project.done(project.up(machines));
    expect(isAlive(await project.identity('web'))).toBe(true);
  },
);

test('a project whose runtime directory was lost is reached again, and its machines are stopped in order', async () => {
  await using project = await SupervisedProject.create();
  const web = await project.machine('web', `trap 'echo asked; exit 3' TERM; echo up; ${FOREVER}`);
  await project.done(project.up([web]));
  await expect.poll(() => project.output('web')).toEqual(['up']);
  const pid = await lockHolder(project);
  rmSync(path.dirname(project.layout.runtimeDirectory), { recursive: true });
  await project.done({ type: 'stop', machines: [] });
  expect(await lockHolder(project).catch(() => pid)).toBe(pid);
  expect((await project.record('web'))?.state).toMatchObject({ status: 'exited', exit: { code: 3 } });
  expect(await project.output('web')).toEqual(['up', 'asked']);
});

test('a guest that writes nonsense to its status port hurts nobody', async () => {
  await using project = await SupervisedProject.create();
  // The stand-in's guests inherit the port under this number.
  const nonsense = `printf 'krun-error {\\nexit x\\n\\0\\377\\n' >>/proc/self/fd/202`;
  const web = await project.machine('web', `${nonsense}; sleep 0.2; ${nonsense}; exit 4`);
  await project.done(project.up([web]));
  const record = await project.untilState('web', ({ status }) => status === 'exited');
  expect(record.state).toMatchObject({ exit: { code: 4 } });
});

test('what keeps a machine process from starting is told in one sentence', async () => {
  await using project = await SupervisedProject.create();
  const web = await project.machine('web', 'true');
  if (web.root.kind !== 'directory') throw new Error('the rig makes directories');
  const shell = path.join(web.root.path, 'bin', 'sh');
  await rm(shell);
  await writeFile(path.join(web.root.path, 'file'), '');
  const below = { ...web, root: { kind: 'directory', path: path.join(web.root.path, 'file', 'x') } } as const;
  const outcome = await project.perform(project.up([below]));
  expect(outcome.failures).toHaveLength(1);
  expect(outcome.failures[0]).not.toMatch(/Node\.js|\n|Internal error/);
});

test('an index that cannot be written is a remark, and the machines start', async () => {
  await using project = await SupervisedProject.create();
  await writeFile(path.join(project.base, 'd', 'krun'), '');
  const events = await project.done(project.up([await project.machine('web', FOREVER)]));
  const notes = events.flatMap((event) => (event.type === 'plan' ? event.notes : []));
  expect(notes.join()).toMatch(/^krun ls will not show this project: /);
  expect(existsSync(project.layout.supervisorSocket)).toBe(true);
});

test('of two projects that publish one host port, the second is told who has it, though nobody listens yet', async () => {
  await using one = await SupervisedProject.create();
  await using two = await SupervisedProject.create({ XDG_RUNTIME_DIR: path.join(one.base, 'r') });
  const published = tsi({ host: 29_180, guest: 80, protocol: 'tcp' });
  await one.done(one.up([await one.machine('web', FOREVER, published)]));
  const { pid } = await one.identity('web');
  const outcome = await two.perform(two.up([await two.machine('api', FOREVER, published)]));
  expect(outcome.failures).toEqual([
    `host port 29180 is in use by machine web of project rig (process ${pid})`,
  ]);
  await one.done(one.down());
  await two.done(two.up([await two.machine('api', FOREVER, published)]));
});

test('a share whose source is gone is named when the machine starts again', async () => {
  await using project = await SupervisedProject.create();
  const source = path.join(project.base, 'p', 'shared');
  const shares = [{ source, tag: 'shared', readOnly: false, daxBytes: 0 }];
  const outcome = await project.perform(project.up([await project.machine('web', 'true', { shares })]));
  expect(outcome.failures).toEqual([`share source ${source} is not a directory, or does not exist`]);
});

test('a guest that was halted is seen to have ended, without a code', async () => {
  await using project = await SupervisedProject.create();
  const web = await project.machine('web', FOREVER, { faults: ['halt 500'] });
  await project.done(project.up([web]));
  const record = await project.untilState('web', ({ status }) => status === 'exited');
  expect(record.state).toMatchObject({
    exit: { code: null, reason: 'the guest was halted without reporting an exit code' },
  });
});

test('a supervisor that was started with another XDG_RUNTIME_DIR is found', async () => {
  await using project = await SupervisedProject.create();
  await project.done(project.up([await project.machine('web', FOREVER)]));
  const environment = { ...project.environment, XDG_RUNTIME_DIR: path.join(project.base, 'd') };
  const uid = process.getuid?.() ?? 0;
  const layout = projectLayout(project.layout.projectDirectory, undefined, environment, uid);
  const { version } = (await project.supervisor()).version;
  const found = await ensureSupervisor(layout, { script: '/none', version, environment });
  expect(found.ok && found.value.version.pid).toBe(await lockHolder(project));
});

test('a supervisor that a checked-out .krun/lock names is not spoken to', async () => {
  await using project = await SupervisedProject.create();
  const socket = path.join(project.base, 'open', 's');
  await mkdir(path.dirname(socket), { mode: 0o755 });
  let asked = 0;
  const server = net.createServer((client) => {
    asked += 1;
    client.destroy();
  });
  await once(server.listen(socket), 'listening');
  await mkdir(path.dirname(project.layout.lockFile), { recursive: true, mode: 0o700 });
  await writeFile(project.layout.lockFile, JSON.stringify({ pid: process.pid, socket }));
  await project.done(project.up([await project.machine('web', FOREVER)]));
  server.close();
  expect(asked).toBe(0);
});

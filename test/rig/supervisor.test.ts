import { existsSync } from 'node:fs';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { Event } from '../../src/plan/event.ts';
import { readEvents } from '../../src/store/event-log.ts';
import { machineLayout } from '../../src/store/layout.ts';
import { collect, SupervisedProject } from './support/supervised.ts';
import { tsi } from '../support/definitions.ts';

const FOREVER = 'while :; do sleep 0.1; done';

function statesOf(events: readonly Event[], machine: string): string[] {
  return events.flatMap((event) =>
    event.type === 'state' && event.machine === machine ? [event.state.status] : [],
  );
}

test('a machine starts, reports in, stops on its signal, and is gone after down', async () => {
  await using project = await SupervisedProject.create();
  const web = await project.machine('web', `trap "echo bye; exit 0" TERM; echo hello; ${FOREVER}`);
  const events = await project.done(project.up([web]));
  expect(events.map(({ type }) => type)).toEqual([
    'plan',
    'action-started',
    'state',
    'action-finished',
    'action-started',
    'state',
    'state',
    'action-finished',
    'done',
  ]);
  expect(statesOf(events, 'web')).toEqual(['created', 'starting', 'running']);
  expect((await project.record('web'))?.state.status).toBe('running');
  await project.untilSaid('web', 'hello');
  await project.done({ type: 'stop', machines: [] });
  const record = await project.record('web');
  expect(record?.state).toMatchObject({ status: 'exited', run: 1, exit: { code: 0 } });
  expect(record?.stoppedByUser).toBe(true);
  expect(await project.output('web')).toEqual(['hello', 'bye']);
  await project.done(project.down());
  expect(await project.record('web')).toBeUndefined();
  await project.untilNoProcess();
  expect(existsSync(project.layout.supervisorSocket)).toBe(false);
  expect(existsSync(machineLayout(project.layout, 'web').directory)).toBe(false);
});

test("a guest's exit code and both of its streams arrive", async () => {
  await using project = await SupervisedProject.create();
  const web = await project.machine('web', 'echo out; echo err >&2; printf unfinished; exit 7');
  await project.done(project.up([web]));
  const { state } = await project.untilState('web', ({ status }) => status === 'exited');
  expect(state).toMatchObject({ status: 'exited', run: 1, exit: { code: 7 } });
  expect(await project.output('web')).toEqual(['out', 'unfinished']);
  expect(await project.output('web', 'stderr')).toEqual(['err']);
  // Nothing is left to look after.
  await project.untilNoProcess();
});

test('a second up without changes does nothing', async () => {
  await using project = await SupervisedProject.create();
  const web = await project.machine('web', FOREVER);
  await project.done(project.up([web]));
  const before = await project.identity('web');
  const events = await project.done(project.up([web]));
  expect(events.map(({ type }) => type)).toEqual(['plan', 'done']);
  expect(await project.identity('web')).toEqual(before);
});

test('on-failure:2 restarts exactly twice', async () => {
  await using project = await SupervisedProject.create();
  const web = await project.machine('web', 'echo try; exit 3', {
    restart: { policy: 'on-failure', maxRetries: 2 },
  });
  await project.done(project.up([web]));
  const record = await project.untilState('web', ({ status }) => status === 'exited');
  expect(record.state).toMatchObject({ exit: { code: 3 }, run: 3 });
  expect(record.restarts).toBe(2);
  expect(await project.output('web')).toEqual(['try', 'try', 'try']);
});

test('restarts back off, and a stop ends them', async () => {
  await using project = await SupervisedProject.create();
  const web = await project.machine('web', 'exit 1', { restart: { policy: 'always' } });
  await project.done(project.up([web]));
  const record = await project.untilState(
    'web',
    (state) => state.status === 'restarting' && state.attempt >= 3,
  );
  if (record.state.status !== 'restarting') throw new Error('unreachable');
  const delayMs = Date.parse(record.state.nextAt) - Date.parse(record.state.since);
  expect(delayMs).toBeGreaterThanOrEqual(100 * 2 ** (record.state.attempt - 1));
  await project.done({ type: 'stop', machines: [] });
  expect((await project.record('web'))?.state).toMatchObject({ status: 'exited', exit: { code: 1 } });
  await project.untilNoProcess();
});

test('a guest that never reports in is killed at its deadline', async () => {
  await using project = await SupervisedProject.create();
  const web = await project.machine('web', FOREVER, { faults: ['hang-boot'], bootTimeoutMs: 1500 });
  const outcome = await project.perform(project.up([web]));
  expect(outcome.failures).toEqual(['the guest did not report in within 1.5 s']);
  expect((await project.record('web'))?.state).toMatchObject({ status: 'failed', run: 1 });
  await project.untilNoProcess();
});

test('a machine whose log shows that it hangs is killed long before its deadline', async () => {
  await using project = await SupervisedProject.create();
  const web = await project.machine('web', FOREVER, { faults: ['hang-log'], bootTimeoutMs: 600_000 });
  const outcome = await project.perform(project.up([web]));
  expect(outcome.ok).toBe(false);
  expect((await project.record('web'))?.state).toMatchObject({
    status: 'failed',
    reason: expect.stringContaining('the stand-in was told to hang') as string,
  });
});

test('what a machine process refuses is told with its reason', async () => {
  await using project = await SupervisedProject.create();
  const web = await project.machine('web', FOREVER, { faults: ['return -22'] });
  const outcome = await project.perform(project.up([web]));
  expect(outcome.failures[0]).toContain('krun_start_enter');
  expect((await project.record('web'))?.state.status).toBe('failed');
});

test('a guest that ignores its signal is killed after its grace period', async () => {
  await using project = await SupervisedProject.create();
  const web = await project.machine('web', `trap "" TERM; echo up; ${FOREVER}`, { stopGracePeriodMs: 400 });
  await project.done(project.up([web]));
  await project.untilSaid('web', 'up');
  await project.done({ type: 'stop', machines: [] });
  expect((await project.record('web'))?.state).toMatchObject({
    status: 'exited',
    exit: { code: null, signal: 'SIGKILL' },
  });
});

test('a signal reaches the guest, and SIGKILL needs no guest', async () => {
  await using project = await SupervisedProject.create();
  const web = await project.machine('web', `trap "echo usr" USR1; echo up; ${FOREVER}`, {
    restart: { policy: 'always' },
  });
  await project.done(project.up([web]));
  await project.untilSaid('web', 'up');
  await project.done({ type: 'kill', machines: ['web'], signal: 'SIGUSR1' });
  await project.untilSaid('web', 'usr');
  expect((await project.record('web'))?.state.status).toBe('running');
  await project.done({ type: 'kill', machines: ['web'], signal: 'SIGKILL' });
  expect((await project.record('web'))?.state).toMatchObject({
    status: 'exited',
    exit: { signal: 'SIGKILL' },
  });
});

test('a changed definition makes the machine anew, and its log goes on', async () => {
  await using project = await SupervisedProject.create();
  const web = await project.machine('web', `echo one; ${FOREVER}`);
  await project.done(project.up([web]));
  await project.untilSaid('web', 'one');
  await project.done(
    project.up([{ ...web, memoryMiB: 512, command: ['/bin/sh', '-c', `echo two; ${FOREVER}`] }]),
  );
  await project.untilSaid('web', 'two');
  expect(await project.output('web')).toEqual(['one', 'two']);
  await project.done({ type: 'stop', machines: [] });
  await project.done({ type: 'rm', machines: ['web'], stop: false });
  expect(await project.output('web')).toEqual([]);
});

test('a dependant waits for a task, and is skipped when that fails', async () => {
  await using project = await SupervisedProject.create();
  const task = await project.machine('seed', 'sleep 0.3; echo seeded', { kind: 'task' });
  const web = await project.machine('web', FOREVER, {
    dependsOn: { seed: { condition: 'completed_successfully' } },
  });
  const events = await project.done(project.up([task, web]));
  const order = events.flatMap((event) =>
    event.type === 'state' ? [`${event.machine} ${event.state.status}`] : [],
  );
  expect(order.indexOf('seed exited')).toBeLessThan(order.indexOf('web starting'));
  await project.done(project.down());
  const failing = await project.machine('seed', 'exit 4', { kind: 'task' });
  const outcome = await project.perform(project.up([failing, web]));
  expect(outcome.ok).toBe(false);
  expect(outcome.failures).toEqual(['machine seed exited (4)']);
  expect(outcome.events.some(({ type }) => type === 'action-skipped')).toBe(true);
  expect((await project.record('web'))?.state.status).toBe('created');
});

test('a stop interrupts an up that waits, and a kill interrupts a stop that waits', async () => {
  await using project = await SupervisedProject.create();
  const task = await project.machine('slow', `trap "" TERM; echo up; ${FOREVER}`, { kind: 'task' });
  const client = await project.supervisor();
  const up = collect(client.request(project.up([task], { wait: true })));
  await project.untilState('slow', ({ status }) => status === 'running');
  await project.untilSaid('slow', 'up');
  const stop = collect(client.request({ type: 'stop', machines: [], timeoutMs: 60_000 }));
  expect((await up).failures).toEqual(['interrupted by krun stop']);
  await project.untilState('slow', ({ status }) => status === 'stopping');
  await project.done({ type: 'kill', machines: [], signal: 'SIGKILL' });
  expect((await stop).failures).toEqual(['interrupted by krun kill']);
  expect((await project.record('slow'))?.state.status).toBe('exited');
});

test('two up at once are done one after the other: the second finds nothing to do', async () => {
  await using project = await SupervisedProject.create();
  const web = await project.machine('web', FOREVER);
  const outcomes = await Promise.all([
    project.perform(project.up([web])),
    project.perform(project.up([web])),
  ]);
  expect(outcomes.map(({ ok }) => ok)).toEqual([true, true]);
  const started = outcomes.map(({ events }) => events.filter(({ type }) => type === 'action-started').length);
  expect(started.toSorted((a, b) => a - b)).toEqual([0, 2]);
  expect((await project.record('web'))?.run).toBe(1);
});

test('a supervisor of another krun is replaced, and its machines run on', async () => {
  await using project = await SupervisedProject.create();
  const web = await project.machine('web', FOREVER);
  const task = await project.machine('task', FOREVER, { kind: 'task' });
  const before = await project.supervisor();
  const up = collect(before.request(project.up([web, task], { wait: true })));
  await project.untilState('web', ({ status }) => status === 'running');
  await project.untilState('task', ({ status }) => status === 'running');
  const identity = await project.identity('web');
  const after = await project.supervisor('0.0.0-other');
  expect(after.version.pid).not.toBe(before.version.pid);
  // The record is written before who waits for it hears of it: the wait for web may be given up too.
  expect(new Set((await up).failures)).toEqual(
    new Set(['the supervisor was replaced by one of another krun']),
  );
  expect(await project.identity('web')).toEqual(identity);
  expect((await after.machines()).map(({ state }) => state.status)).toEqual(['running', 'running']);
});

test('a supervisor that cannot run says why, and leaves nothing', async () => {
  await using project = await SupervisedProject.create();
  const web = await project.machine('web', 'true');
  await project.done(project.up([web]));
  await project.untilNoProcess();
  const { recordFile } = machineLayout(project.layout, 'web');
  const text = await readFile(recordFile, 'utf8');
  await writeFile(recordFile, text.replace('"schemaVersion": 1', '"schemaVersion": 99'));
  await expect(project.supervisor()).rejects.toThrow('was written by a newer krun (state version 99');
  await project.untilNoProcess();
  await writeFile(recordFile, text);
  await chmod(path.dirname(project.layout.runtimeDirectory), 0o755);
  await expect(project.supervisor()).rejects.toThrow('is open to other users (mode 755)');
  await chmod(path.dirname(project.layout.runtimeDirectory), 0o700);
});

test('events of everything that happens reach who listens, and are recorded', async () => {
  await using project = await SupervisedProject.create();
  const web = await project.machine('web', 'exit 0');
  const live = collect((await project.supervisor()).events());
  await project.done(project.up([web]));
  await project.untilState('web', ({ status }) => status === 'exited');
  // A listener does not keep the supervisor; its end is the end of the stream.
  const { events } = await live;
  expect(statesOf(events, 'web')).toEqual(['created', 'starting', 'running', 'exited']);
  expect(readEvents(project.layout.eventsFile)).toEqual(events);
  expect(JSON.stringify(events)).not.toContain('environment');
});

test('a host port that somebody holds is named with its holder before anything starts', async () => {
  await using project = await SupervisedProject.create();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const web = await project.machine('web', FOREVER, {
    ...tsi({ host: port, guest: 80, protocol: 'tcp' }),
    restart: { policy: 'always' },
  });
  const outcome = await project.perform(project.up([web]));
  server.close();
  expect(outcome.failures).toEqual([
    `host port ${port} of machine web is in use by process ${process.pid} (node)`,
  ]);
  expect((await project.record('web'))?.state.status).toBe('failed');
});

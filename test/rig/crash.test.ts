import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { tryLock } from '../../src/host/flock.ts';
import { isAlive } from '../../src/host/identity.ts';
import { connectSupervisor } from '../../src/supervisor/client.ts';
import { observeProject } from '../../src/supervisor/observe.ts';
import { collect, kill, seededRandom, SupervisedProject, testSeed } from './support/supervised.ts';

const FOREVER = 'while :; do sleep 0.05; done';
/** Prints numbers as fast as a guest that does little else. */
const COUNT = 'n=0; while :; do echo $n; n=$((n+1)); sleep 0.01; done';
const seed = testSeed();

async function supervisorPid(project: SupervisedProject): Promise<number | undefined> {
  const text = await readFile(project.layout.lockFile, 'utf8').catch(() => '');
  return text === '' ? undefined : (JSON.parse(text) as { pid: number }).pid;
}

async function expectNothingLeft(project: SupervisedProject): Promise<void> {
  await project.done(project.down());
  await project.untilNoProcess();
  expect(readdirSync(project.layout.machinesDirectory)).toEqual([]);
  expect(readdirSync(project.layout.runtimeDirectory)).toEqual([]);
  // Free: nobody holds it.
  expect(tryLock(project.layout.lockFile, 'exclusive').held).toBe(true);
}

/** 0, 1, 2, ... without a gap and without a repetition, from the start of a run. */
function expectCounting(lines: readonly string[]): void {
  let expected = 0;
  for (const line of lines) {
    if (line === '0') expected = 0;
    expect(Number(line)).toBe(expected);
    expected += 1;
  }
}

test('a machine goes on without its supervisor, and the next supervisor takes it over', async () => {
  await using project = await SupervisedProject.create();
  const web = await project.machine('web', `trap "echo bye; exit 5" TERM; echo up; ${FOREVER}`);
  await project.done(project.up([web]));
  const before = await project.identity('web');
  kill((await supervisorPid(project)) ?? 0, 'SIGKILL');
  await expect.poll(() => connectSupervisor(project.layout)).toBeUndefined();
  expect(isAlive(before)).toBe(true);
  const events = await project.done(project.up([web]));
  expect(events.map(({ type }) => type)).toEqual(['plan', 'done']);
  expect(await project.identity('web')).toEqual(before);
  await project.done({ type: 'stop', machines: [] });
  expect((await project.record('web'))?.state).toMatchObject({ status: 'exited', exit: { code: 5 } });
  expect(await project.output('web')).toEqual(['up', 'bye']);
});

test('SIGTERM ends the supervisor in order and leaves its machines alone', async () => {
  await using project = await SupervisedProject.create();
  const web = await project.machine('web', FOREVER);
  await project.done(project.up([web]));
  const before = await project.identity('web');
  const pid = (await supervisorPid(project)) ?? 0;
  kill(pid, 'SIGTERM');
  await expect.poll(() => existsSync(project.layout.supervisorSocket), { timeout: 10_000 }).toBe(false);
  expect(isAlive(before)).toBe(true);
  for (const signal of ['SIGHUP', 'SIGINT'] as const) kill((await project.supervisor()).version.pid, signal);
  expect((await connectSupervisor(project.layout))?.version.pid).toBeDefined();
});

test('what ended while no supervisor was there is found out afterwards', async () => {
  await using project = await SupervisedProject.create();
  const task = await project.machine('task', 'echo a; sleep 1; echo b; printf c; exit 3', { kind: 'task' });
  await project.done(project.up([task]));
  kill((await supervisorPid(project)) ?? 0, 'SIGKILL');
  const { pid } = await project.identity('task');
  await expect.poll(() => existsSync(`/proc/${pid}/exe`), { timeout: 10_000 }).toBe(false);
  const seen = await observeProject(project.layout);
  expect(seen.ok && seen.value.records['task']?.state).toMatchObject({ status: 'exited', exit: { code: 3 } });
  await project.supervisor();
  expect((await project.record('task'))?.state).toMatchObject({ status: 'exited', exit: { code: 3 } });
  expect(await project.output('task')).toEqual(['a', 'b', 'c']);
});

test('a restart that was due when the supervisor was killed is made by the next one', async () => {
  await using project = await SupervisedProject.create();
  const web = await project.machine('web', 'exit 1', { restart: { policy: 'on-failure' } });
  await project.done(project.up([web]));
  await project.untilState('web', (state) => state.status === 'restarting' && state.attempt >= 3);
  kill((await supervisorPid(project)) ?? 0, 'SIGKILL');
  const before = await project.record('web');
  await project.supervisor();
  const after = await project.untilState('web', ({ status }) => status === 'restarting');
  const later = await project.untilState('web', () => true);
  expect(after.run).toBeGreaterThanOrEqual(before?.run ?? 0);
  await project.untilState('web', (state) => state.status === 'restarting' && state.run > (before?.run ?? 0));
  expect(later.restarts).toBeGreaterThanOrEqual(before?.restarts ?? 0);
});

test('records from before a restart of the host are not believed', async () => {
  await using project = await SupervisedProject.create();
  const web = await project.machine('web', FOREVER, { restart: { policy: 'always' } });
  await project.done(project.up([web]));
  const pid = (await supervisorPid(project)) ?? 0;
  kill(pid, 'SIGKILL');
  kill((await project.identity('web')).pid, 'SIGKILL');
  const { writeMachineRecord } = await import('../../src/store/record-files.ts');
  const record = await project.record('web');
  if (!record) throw new Error('no record');
  await writeMachineRecord(project.layout, { ...record, bootId: 'another boot' });
  await project.supervisor();
  expect((await project.record('web'))?.state).toMatchObject({
    status: 'exited',
    exit: { code: null, reason: 'the host was restarted' },
  });
});

describe(`SIGKILL at random moments (KRUN_TEST_SEED=${seed})`, () => {
  for (const victim of ['supervisor', 'machine', 'both'] as const) {
    test(`of the ${victim}: nothing is left after the next down, and the log is complete`, async () => {
      const random = seededRandom(seed + victim.length);
      for (let round = 0; round < 20; round += 1) {
        await using project = await SupervisedProject.create();
        const web = await project.machine('web', COUNT, { restart: { policy: 'always' } });
        const client = await project.supervisor();
        const up = collect(client.request(project.up([web])));
        // From before the record is written until well after the guest reported in.
        await delay(random() * 700);
        if (victim !== 'machine') kill(client.version.pid, 'SIGKILL');
        if (victim !== 'supervisor') {
          const identity = await project.identity('web').catch(() => undefined);
          if (identity) kill(identity.pid, 'SIGKILL');
        }
        await up.catch(() => undefined);
        await project.done(project.up([web]));
        await delay(random() * 100);
        expect((await project.record('web'))?.state.status, `round ${round}`).toBe('running');
        await project.done({ type: 'stop', machines: [], timeoutMs: 0 });
        const lines = await project.output('web');
        expect(lines.length, `round ${round}`).toBeGreaterThan(0);
        expectCounting(lines);
        await expectNothingLeft(project);
      }
    });
  }

  test('of the supervisor while it removes: down can be repeated', async () => {
    const random = seededRandom(seed);
    for (let round = 0; round < 10; round += 1) {
      await using project = await SupervisedProject.create();
      const web = await project.machine('web', COUNT);
      await project.done(project.up([web]));
      const client = await project.supervisor();
      const down = collect(client.request(project.down({ timeoutMs: 50 })));
      await delay(random() * 200);
      kill(client.version.pid, 'SIGKILL');
      await down.catch(() => undefined);
      await expectNothingLeft(project);
    }
  });
});

test('50 machines go up and down', async () => {
  await using project = await SupervisedProject.create();
  const machines = await Promise.all(
    Array.from({ length: 50 }, (_, n) => project.machine(`m${n}`, `echo hello ${n}; ${FOREVER}`)),
  );
  await project.done(project.up(machines));
  const client = await project.supervisor();
  const states = (await client.machines()).map(({ state }) => state.status);
  expect(states).toEqual(Array.from({ length: 50 }, () => 'running'));
  await expect.poll(() => project.output('m49'), { timeout: 10_000 }).toEqual(['hello 49']);
  await expectNothingLeft(project);
});

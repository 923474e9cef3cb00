import { closeSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { tryLock } from '../../src/host/flock.ts';
import { isAlive, processIdentity } from '../../src/host/identity.ts';
import { connectSupervisor } from '../../src/supervisor/client.ts';
import { observeProject } from '../../src/supervisor/observe.ts';
import { onGvproxy } from '../support/definitions.ts';
import { gvproxyPath } from './support/helpers.ts';
import { networkIdentity, networkState } from './support/networks.ts';
import { collect, kill, seededRandom, SupervisedProject, testSeed } from './support/supervised.ts';

const FOREVER = 'while :; do sleep 0.05; done';
/** Numbers its lines, and writes each of them into a file of the host once it has been printed. */
const COUNT =
  'read id </proc/sys/kernel/random/uuid; n=0; while :; do echo "$id $n"; echo "$id $n" >>"$SAID"; n=$((n+1)); sleep 0.01; done';
const seed = testSeed();
const gvproxy = gvproxyPath('0.8.9');

async function supervisorPid({ layout }: SupervisedProject): Promise<number> {
  return (JSON.parse(await readFile(layout.lockFile, 'utf8')) as { pid: number }).pid;
}

function lockIsFree({ layout }: SupervisedProject): boolean {
  const lock = tryLock(layout.lockFile, 'exclusive');
  if (lock.held) closeSync(lock.fd);
  return lock.held;
}

async function expectNothingLeft(project: SupervisedProject): Promise<void> {
  await project.done(project.down());
  await project.untilNoProcess();
  expect(readdirSync(project.layout.machinesDirectory)).toEqual([]);
  expect(readdirSync(project.layout.runtimeDirectory)).toEqual([]);
  await expect.poll(() => lockIsFree(project)).toBe(true);
}

/**
 * Every line that the guest is known to have printed, none twice, and each run without a gap. Only the last line of a
 * run that was killed may be missing: the stand-in's guest is a process of its own and outlives the machine's by a
 * moment.
 */
function expectComplete(lines: readonly string[], said: readonly string[]): void {
  const next = new Map<string, number>();
  for (const line of lines) {
    const [id = '', n] = line.split(' ');
    expect(Number(n)).toBe(next.get(id) ?? 0);
    next.set(id, Number(n) + 1);
  }
  for (const line of said) {
    const [id = '', n] = line.split(' ');
    const isLast = !said.includes(`${id} ${Number(n) + 1}`);
    expect(next.get(id) ?? 0, line).toBeGreaterThan(isLast ? Number(n) - 1 : Number(n));
  }
}

/** Calls a function with 0 to `count` - 1, a few at a time. */
async function inParallel(count: number, round: (number: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await round(next++);
  };
  await Promise.all(Array.from({ length: 5 }, worker));
}

test('a machine goes on without its supervisor, and the next supervisor takes it over', async () => {
  await using project = await SupervisedProject.create();
  const web = await project.machine('web', `trap "echo bye; exit 5" TERM; echo up; ${FOREVER}`);
  await project.done(project.up([web]));
  await expect.poll(() => project.output('web')).toEqual(['up']);
  const before = await project.identity('web');
  kill(await supervisorPid(project), 'SIGKILL');
  await expect.poll(() => connectSupervisor(project.layout)).toBeUndefined();
  expect(isAlive(before)).toBe(true);
  const events = await project.done(project.up([web]));
  expect(events.map(({ type }) => type)).toEqual(['plan', 'done']);
  expect(await project.identity('web')).toEqual(before);
  await project.done({ type: 'stop', machines: [] });
  expect((await project.record('web'))?.state).toMatchObject({ status: 'exited', exit: { code: 5 } });
  expect(await project.output('web')).toEqual(['up', 'bye']);
});

test('a guest that ignores its stop signal is killed in time, also by another supervisor than the one that asked', async () => {
  await using project = await SupervisedProject.create();
  const web = await project.machine('web', `trap "echo no" TERM; echo up; ${FOREVER}`, {
    stopGracePeriodMs: 3000,
  });
  await project.done(project.up([web]));
  await expect.poll(() => project.output('web')).toEqual(['up']);
  const identity = await project.identity('web');
  const stopping = project.perform({ type: 'stop', machines: [] });
  await expect.poll(() => project.output('web'), { timeout: 10_000 }).toContain('no');
  kill(await supervisorPid(project), 'SIGKILL');
  await stopping;
  await project.supervisor();
  await expect.poll(() => isAlive(identity), { timeout: 10_000 }).toBe(false);
  await project.untilState('web', ({ status }) => status === 'exited');
});

test('who has waited for down finds no supervisor any more', async () => {
  await using project = await SupervisedProject.create();
  await project.done(project.up([await project.machine('web', FOREVER)]));
  const pid = await supervisorPid(project);
  await project.done(project.down());
  expect(existsSync(project.layout.supervisorSocket)).toBe(false);
  expect(existsSync(`/proc/${pid}/exe`)).toBe(false);
});

test('SIGTERM ends the supervisor in order and leaves its machines alone', async () => {
  await using project = await SupervisedProject.create();
  const web = await project.machine('web', FOREVER);
  await project.done(project.up([web]));
  const before = await project.identity('web');
  const pid = await supervisorPid(project);
  kill(pid, 'SIGTERM');
  await expect.poll(() => existsSync(project.layout.supervisorSocket), { timeout: 10_000 }).toBe(false);
  expect(isAlive(before)).toBe(true);
  const next = (await project.supervisor()).version.pid;
  for (const signal of ['SIGHUP', 'SIGINT'] as const) kill(next, signal);
  expect((await project.supervisor()).version.pid).toBe(next);
});

test('what ended while no supervisor was there is found out afterwards', async () => {
  await using project = await SupervisedProject.create();
  const go = path.join(project.base, 'go');
  const script = `echo a; until [ -e ${go} ]; do sleep 0.05; done; echo b; printf c; exit 3`;
  const task = await project.machine('task', script, { kind: 'task' });
  await project.done(project.up([task]));
  const identity = await project.identity('task');
  const supervisor = (await project.supervisor()).version.pid;
  kill(supervisor, 'SIGKILL');
  await expect.poll(() => processIdentity(supervisor)).toBeUndefined();
  writeFileSync(go, '');
  await expect.poll(() => isAlive(identity), { timeout: 10_000 }).toBe(false);
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
  kill(await supervisorPid(project), 'SIGKILL');
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
  const pid = await supervisorPid(project);
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
  for (const victim of ['the supervisor', 'the machine', 'both'] as const) {
    test(`of ${victim}: nothing is left after the next down, and the log is complete`, async () => {
      await inParallel(20, async (round) => {
        const random = seededRandom(seed + round);
        await using project = await SupervisedProject.create();
        const said = path.join(project.base, 'said');
        const web = await project.machine('web', COUNT, {
          restart: { policy: 'always' },
          environment: { SAID: said },
        });
        const client = await project.supervisor();
        // Caught at once: the supervisor may be gone before anybody waits for the end.
        const up = collect(client.request(project.up([web]))).catch(() => undefined);
        // From before the record is written until well after the guest reported in.
        await delay(random() * 1000);
        if (victim !== 'the machine') kill(client.version.pid, 'SIGKILL');
        if (victim !== 'the supervisor') {
          const identity = await project.identity('web').catch(() => undefined);
          if (identity) kill(identity.pid, 'SIGKILL');
        }
        await up;
        // Whatever is restarting or starting again has come up by the end of this.
        await project.done(project.up([web], { wait: true }));
        await delay(random() * 100);
        // A kill that the supervisor had not heard of before the second up.
        await project.untilState('web', ({ status }) => status === 'running');
        const printed = async (): Promise<string[]> =>
          (await readFile(said, 'utf8').catch(() => '')).trimEnd().split('\n');
        await expect.poll(async () => (await printed()).length, { timeout: 10_000 }).toBeGreaterThan(1);
        await project.done({ type: 'stop', machines: [], timeoutMs: 0 });
        expectComplete(await project.output('web'), await printed());
        await expectNothingLeft(project);
      });
    });
  }

  for (const victim of ['a network process', 'a network process and the supervisor'] as const) {
    test.skipIf(!gvproxy)(
      `of ${victim}: machines come up again, and nothing is left after a down`,
      async () => {
        await inParallel(12, async (round) => {
          const random = seededRandom(seed + round);
          await using project = await SupervisedProject.create({ KRUN_GVPROXY: gvproxy ?? '' });
          const machines = await Promise.all(
            ['web', 'db'].map((name) =>
              project.machine(name, FOREVER, { networks: [onGvproxy(name)], restart: { policy: 'always' } }),
            ),
          );
          const client = await project.supervisor();
          const up = collect(client.request(project.up(machines))).catch(() => undefined);
          // From before there is a network process until well after the guests reported in.
          await delay(random() * 1500);
          if (victim !== 'a network process') kill(client.version.pid, 'SIGKILL');
          const identity = await networkIdentity(project, 'default');
          if (identity) kill(identity.pid, 'SIGKILL');
          await up;
          const connected = async (): Promise<readonly boolean[]> => {
            // A machine whose start failed at the user's request is the user's to start again.
            if (!(await project.perform(project.up(machines, { wait: true }))).ok) return [];
            const state = await networkState(project).catch(() => undefined);
            return Object.values(state?.members ?? {}).map((member) => member.connected);
          };
          // A kill that the supervisor had not heard of before is dealt with first.
          await expect.poll(connected, { timeout: 60_000 }).toEqual([true, true]);
          for (const { name } of machines)
            await project.untilState(name, ({ status }) => status === 'running');
          await expectNothingLeft(project);
          expect(readdirSync(project.layout.networksDirectory)).toEqual([]);
        });
      },
    );
  }

  test('of the supervisor while it removes: down can be repeated', async () => {
    await inParallel(10, async (round) => {
      const random = seededRandom(seed + round);
      await using project = await SupervisedProject.create();
      const web = await project.machine('web', FOREVER);
      await project.done(project.up([web]));
      const client = await project.supervisor();
      const down = collect(client.request(project.down({ timeoutMs: 50 }))).catch(() => undefined);
      await delay(random() * 200);
      kill(client.version.pid, 'SIGKILL');
      await down;
      await expectNothingLeft(project);
    });
  });
});

test('a directory that a killed supervisor left without a record goes, its log only with a down', async () => {
  await using project = await SupervisedProject.create();
  const stray = path.join(project.layout.machinesDirectory, 'stray');
  const interrupted = path.join(project.layout.machinesDirectory, 'interrupted');
  mkdirSync(stray, { recursive: true });
  mkdirSync(path.join(interrupted, 'run-1'), { recursive: true });
  writeFileSync(path.join(interrupted, 'log.jsonl'), '');
  await project.done(project.up([await project.machine('web', FOREVER)]));
  expect(readdirSync(project.layout.machinesDirectory)).toEqual(['interrupted', 'web']);
  expect(readdirSync(interrupted)).toEqual(['log.jsonl']);
  await expectNothingLeft(project);
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

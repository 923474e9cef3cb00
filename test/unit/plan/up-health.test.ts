import { describe, expect, test } from 'vitest';
import type { Health } from '../../../src/plan/health.ts';
import type { Dependency, Machine } from '../../../src/project/project.ts';
import { exited, machine, observe, plan, running, runningWith, seen, tcpCheck, up } from './support.ts';

const healthcheck = tcpCheck(80);
const db = machine('db', { healthcheck });

function on(need: string, dependency: Partial<Dependency>): { dependsOn: Machine['dependsOn'] } {
  return { dependsOn: { [need]: { condition: 'healthy', ...dependency } } };
}

describe('a machine that needs a healthy one', () => {
  const web = machine('web', on('db', {}));

  test('waits for it after it is started', () => {
    expect(plan(up([db, web]))).toMatchInlineSnapshot(`
      "
      [1] create db: new machine
      [2] create web: new machine
      [3] start db: new machine  after [1]
      [4] wait until db is healthy: web depends on it  after [3]
      [5] start web: new machine  after [2] [4]
      "
    `);
  });

  test('does not wait for one that is healthy, and does for one that is not', () => {
    const before = (status: Health['status']) =>
      observe([seen(db, runningWith(status)), seen(web, { status: 'created' })]);
    expect(plan(up([db, web]), before('healthy'))).toMatchInlineSnapshot(`
      "
      [1] start web: not started yet
      "
    `);
    expect(plan(up([db, web]), before('starting'))).toMatchInlineSnapshot(`
      "
      [1] wait until db is healthy: web depends on it
      [2] start web: not started yet  after [1]
      "
    `);
    expect(plan(up([db, web]), before('unhealthy'))).toMatchInlineSnapshot(`
      "
      [1] wait until db is healthy: web depends on it
      [2] start web: not started yet  after [1]
      "
    `);
  });

  test('waits in another way than one that can do without', () => {
    const cli = machine('cli', on('db', { isOptional: true }));
    const log = machine('log', on('db', { condition: 'started', isOptional: true }));
    expect(plan(up([cli, db, log, web]))).toMatchInlineSnapshot(`
      "
      [1] create db: new machine
      [2] create cli: new machine
      [3] create log: new machine
      [4] create web: new machine
      [5] start db: new machine  after [1]
      [6] wait until db is healthy (optional): cli depends on it  after [5]
      [7] start cli: new machine  after [2] [6]
      [8] wait until db has started (optional): log depends on it  after [5]
      [9] start log: new machine  after [3] [8]
      [10] wait until db is healthy: web depends on it  after [5]
      [11] start web: new machine  after [4] [10]
      "
    `);
  });
});

test('--wait is for health where there is a health check', () => {
  const job = machine('job', { kind: 'task', healthcheck });
  const web = machine('web');
  expect(plan(up([db, job, web], { wait: true }))).toMatchInlineSnapshot(`
    "
    [1] create db: new machine
    [2] create job: new machine
    [3] create web: new machine
    [4] start db: new machine  after [1]
    [5] start job: new machine  after [2]
    [6] start web: new machine  after [3]
    [7] wait until db is healthy: --wait  after [4]
    [8] wait until job is running or done: --wait  after [5]
    [9] wait until web is running or done: --wait  after [6]
    "
  `);
  const before = observe([seen(db, runningWith('starting')), seen(job, exited(0)), seen(web)]);
  expect(plan(up([db, job, web], { wait: true }), before)).toMatchInlineSnapshot(`
    "
    [1] wait until db is healthy: --wait
    "
  `);
  const settled = observe([seen(db, runningWith('healthy')), seen(job, exited(0)), seen(web)]);
  expect(plan(up([db, job, web], { wait: true }), settled)).toMatchInlineSnapshot(`
    "
    nothing to do
    "
  `);
});

describe('a dependency with restart: true', () => {
  const web = machine('web', on('db', { restart: true }));
  const shop = machine('shop', on('web', { condition: 'started', restart: true }));
  const other = machine('other', on('db', {}));
  const before = observe([db, web, shop, other].map((one) => seen(one, runningWith('healthy'))));

  test('that is made anew restarts those that need it, and those that need them', () => {
    expect(plan(up([{ ...db, cpus: 2 }, web, shop, other]), before)).toMatchInlineSnapshot(`
      "
      [1] stop shop: depends on web, which is started again (restart: true)
      [2] stop web: depends on db, which is started again (restart: true)  after [1]
      [3] stop db: cpus changed 1 -> 2  after [2]
      [4] remove db: cpus changed 1 -> 2  after [3]
      [5] create db: cpus changed 1 -> 2  after [4]
      [6] start db: cpus changed 1 -> 2  after [5]
      [7] wait until db is healthy: web depends on it  after [6]
      [8] start web: depends on db, which is started again (restart: true)  after [2] [7]
      [9] start shop: depends on web, which is started again (restart: true)  after [1] [8]
      "
    `);
  });

  test('that alone is named restarts them as well, as they are', () => {
    const request = up([{ ...db, cpus: 2 }, web, { ...shop, cpus: 2 }, other], { machines: ['db'] });
    expect(plan(request, before)).toMatchInlineSnapshot(`
      "
      [1] stop shop: depends on web, which is started again (restart: true)
      [2] stop web: depends on db, which is started again (restart: true)  after [1]
      [3] stop db: cpus changed 1 -> 2  after [2]
      [4] remove db: cpus changed 1 -> 2  after [3]
      [5] create db: cpus changed 1 -> 2  after [4]
      [6] start db: cpus changed 1 -> 2  after [5]
      [7] wait until db is healthy: web depends on it  after [6]
      [8] start web: depends on db, which is started again (restart: true)  after [2] [7]
      [9] start shop: depends on web, which is started again (restart: true)  after [1] [8]
      "
    `);
  });

  test('that is not started has nobody restarted', () => {
    const request = up([{ ...db, cpus: 2 }, web], { noStart: true });
    expect(plan(request, observe([seen(db), seen(web)]))).toMatchInlineSnapshot(`
      "
      [1] stop db: cpus changed 1 -> 2
      [2] remove db: cpus changed 1 -> 2  after [1]
      [3] create db: cpus changed 1 -> 2  after [2]
      "
    `);
  });

  test('that has ended and is started again restarts them, and one that is new does not', () => {
    expect(plan(up([db, web]), observe([seen(db, exited(1)), seen(web, running)]))).toMatchInlineSnapshot(`
      "
      [1] stop web: depends on db, which is started again (restart: true)
      [2] start db: not running: exited 1
      [3] wait until db is healthy: web depends on it  after [2]
      [4] start web: depends on db, which is started again (restart: true)  after [1] [3]
      "
    `);
    expect(plan(up([db, web]), observe([seen(web, running)]))).toMatchInlineSnapshot(`
      "
      [1] create db: new machine
      [2] start db: new machine  after [1]
      "
    `);
  });

  test('that krun restart restarts has them restarted after it', () => {
    expect(plan({ type: 'restart', machines: ['db'] }, before)).toMatchInlineSnapshot(`
      "
      [1] stop shop: depends on web, which is started again (restart: true)
      [2] stop web: depends on db, which is started again (restart: true)  after [1]
      [3] stop db: krun restart  after [2]
      [4] start db: krun restart  after [3]
      [5] wait until db is healthy: web depends on it  after [4]
      [6] start web: depends on db, which is started again (restart: true)  after [2] [5]
      [7] start shop: depends on web, which is started again (restart: true)  after [1] [6]
      "
    `);
  });

  test('restarts nobody who does not run', () => {
    const resting = observe([seen(db), seen(web, exited(0))]);
    expect(plan({ type: 'restart', machines: ['db'] }, resting)).toMatchInlineSnapshot(`
      "
      [1] stop db: krun restart
      [2] start db: krun restart  after [1]
      "
    `);
  });
});

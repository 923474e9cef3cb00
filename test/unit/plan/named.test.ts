import { describe, expect, test } from 'vitest';
import type { Request } from '../../../src/plan/request.ts';
import { exited, inState, machine, needs, needsDone, observe, plan, restarting, seen } from './support.ts';

const task = machine('seed', { kind: 'task' });
const db = machine('db');
const api = machine('api', needs('db'));
const web = machine('web', needs('api'));
const allRunning = observe([seen(api), seen(db), seen(web)]);
const allStopped = observe([seen(api, exited(0)), seen(db, exited(0)), seen(web, exited(0))]);

describe('start', () => {
  const start = (...machines: string[]): Request => ({ type: 'start', machines });

  test('starts what does not run, in order', () => {
    expect(plan(start(), allStopped)).toMatchInlineSnapshot(`
      "
      [1] start db: krun start
      [2] start api: krun start  after [1]
      [3] start web: krun start  after [2]
      "
    `);
  });

  test('leaves alone what runs', () => {
    expect(plan(start(), allRunning)).toMatchInlineSnapshot(`
      "
      nothing to do
      "
    `);
  });

  test('starts only what is named, and says what is missing', () => {
    expect(plan(start('web'), allStopped)).toMatchInlineSnapshot(`
      "
      [1] start web: krun start
      note: machine web depends on api, which does not run
      "
    `);
  });

  test('does not run a done task again, unless it is named', () => {
    const observed = observe([seen(task, exited(0))]);
    expect(plan(start(), observed)).toMatchInlineSnapshot(`
      "
      nothing to do
      "
    `);
    expect(plan(start('seed'), observed)).toMatchInlineSnapshot(`
      "
      [1] start seed: krun start
      "
    `);
  });

  test('waits for a task that has to complete', () => {
    const observed = observe([seen(task, exited(1)), seen(machine('app', needsDone('seed')), exited(0))]);
    expect(plan(start(), observed)).toMatchInlineSnapshot(`
      "
      [1] start seed: krun start
      [2] wait until seed has completed successfully: app depends on it  after [1]
      [3] start app: krun start  after [2]
      "
    `);
    expect(plan(start('app'), observed)).toMatchInlineSnapshot(`
      "
      [1] start app: krun start
      note: machine app depends on seed, which has not completed successfully
      "
    `);
  });

  test('of an unknown machine is refused, with the nearest name', () => {
    expect(plan(start('wbe'), allStopped)).toMatchInlineSnapshot(`
      "
      error: no machine wbe; did you mean web? (krun up creates machines)
      "
    `);
  });

  test('lets a machine end that is stopping', () => {
    expect(plan(start('db'), observe([seen(db, inState('stopping'))]))).toMatchInlineSnapshot(`
      "
      [1] stop db: still stopping
      [2] start db: krun start  after [1]
      "
    `);
  });
});

describe('stop', () => {
  const stop = (...machines: string[]): Request => ({ type: 'stop', machines });

  test('stops dependants first', () => {
    expect(plan(stop(), allRunning)).toMatchInlineSnapshot(`
      "
      [1] stop web: krun stop
      [2] stop api: krun stop  after [1]
      [3] stop db: krun stop  after [2]
      "
    `);
  });

  test('stops only what is named, in order', () => {
    expect(plan(stop('web', 'db'), allRunning)).toMatchInlineSnapshot(`
      "
      [1] stop web: krun stop
      [2] stop db: krun stop  after [1]
      "
    `);
  });

  test('of what does not run does nothing', () => {
    expect(plan(stop(), allStopped)).toMatchInlineSnapshot(`
      "
      nothing to do
      "
    `);
  });

  test('ends the wait for a restart', () => {
    expect(plan(stop(), observe([seen(db, restarting(1))]))).toMatchInlineSnapshot(`
      "
      [1] stop db: krun stop
      "
    `);
  });
});

describe('restart', () => {
  const restart = (...machines: string[]): Request => ({ type: 'restart', machines });

  test('stops in reverse order, and starts in order', () => {
    expect(plan(restart(), allRunning)).toMatchInlineSnapshot(`
      "
      [1] stop web: krun restart
      [2] stop api: krun restart  after [1]
      [3] stop db: krun restart  after [2]
      [4] start db: krun restart  after [3]
      [5] start api: krun restart  after [2] [4]
      [6] start web: krun restart  after [1] [5]
      "
    `);
  });

  test('of one machine touches no other', () => {
    expect(plan(restart('api'), allRunning)).toMatchInlineSnapshot(`
      "
      [1] stop api: krun restart
      [2] start api: krun restart  after [1]
      "
    `);
  });

  test('starts what did not run', () => {
    expect(plan(restart('db'), allStopped)).toMatchInlineSnapshot(`
      "
      [1] start db: krun restart
      "
    `);
  });

  test('of all machines leaves done tasks done', () => {
    expect(plan(restart(), observe([seen(task, exited(0)), seen(db)]))).toMatchInlineSnapshot(`
      "
      [1] stop db: krun restart
      [2] start db: krun restart  after [1]
      "
    `);
  });
});

describe('kill', () => {
  const kill = (...machines: string[]): Request => ({ type: 'kill', machines, signal: 'SIGUSR1' });

  test('signals what has a process, all at once', () => {
    expect(plan(kill(), observe([seen(db), seen(api), seen(web, exited(0))]))).toMatchInlineSnapshot(`
      "
      [1] kill api with SIGUSR1: krun kill
      [2] kill db with SIGUSR1: krun kill
      "
    `);
  });

  test('says that a machine without process has none', () => {
    expect(plan(kill('db'), observe([seen(db, restarting(1))]))).toMatchInlineSnapshot(`
      "
      nothing to do
      note: machine db has no process now: it waits for its restart (krun stop db ends that)
      "
    `);
  });
});

describe('rm', () => {
  const observed = observe([seen(api), seen(db), seen(task, exited(0))]);

  test('removes what has ended, and keeps what runs', () => {
    expect(plan({ type: 'rm', machines: [], stop: false }, observed)).toMatchInlineSnapshot(`
      "
      [1] remove seed: krun rm
      note: machine api is running and is kept (krun rm --stop stops it first)
      note: machine db is running and is kept (krun rm --stop stops it first)
      "
    `);
  });

  test('stops first on request', () => {
    expect(plan({ type: 'rm', machines: ['api', 'db'], stop: true }, observed)).toMatchInlineSnapshot(`
      "
      [1] stop api: krun rm
      [2] stop db: krun rm  after [1]
      [3] remove api: krun rm  after [1]
      [4] remove db: krun rm  after [2]
      "
    `);
  });
});

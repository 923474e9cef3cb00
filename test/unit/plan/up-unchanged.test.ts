import { describe, expect, test } from 'vitest';
import { exited, inState, machine, needs, observe, plan, restarting, seen, up } from './support.ts';

describe('an up without changes', () => {
  test('does nothing to what runs', () => {
    expect(plan(up([machine('web')]), observe([seen(machine('web'))]))).toMatchInlineSnapshot(`
      "
      nothing to do
      "
    `);
  });

  test('does nothing to what starts, or waits for its restart', () => {
    const observed = observe([seen(machine('a'), inState('starting')), seen(machine('b'), restarting(1))]);
    expect(plan(up([machine('a'), machine('b')]), observed)).toMatchInlineSnapshot(`
      "
      nothing to do
      "
    `);
  });

  test('starts what has exited, with its exit code as cause', () => {
    expect(plan(up([machine('web')]), observe([seen(machine('web'), exited(1))]))).toMatchInlineSnapshot(`
      "
      [1] start web: not running: exited 1
      "
    `);
  });

  test('starts a service that has exited 0', () => {
    expect(plan(up([machine('web')]), observe([seen(machine('web'), exited(0))]))).toMatchInlineSnapshot(`
      "
      [1] start web: not running: exited 0
      "
    `);
  });

  test('says when nobody knows the exit code, and why', () => {
    const end = {
      status: 'exited',
      run: 1,
      since: '2026-11-20T10:00:00Z',
      exit: { code: null, reason: 'kernel panic' },
    } as const;
    expect(plan(up([machine('web')]), observe([seen(machine('web'), end)]))).toMatchInlineSnapshot(`
      "
      [1] start web: not running: exit code unknown (kernel panic)
      "
    `);
  });

  test('names the signal that ended the machine process', () => {
    const end = {
      status: 'exited',
      run: 1,
      since: '2026-11-20T10:00:00Z',
      exit: { code: null, signal: 'SIGKILL' },
    } as const;
    expect(plan(up([machine('web')]), observe([seen(machine('web'), end)]))).toMatchInlineSnapshot(`
      "
      [1] start web: not running: SIGKILL
      "
    `);
  });

  test('starts what failed to boot', () => {
    const failed = {
      status: 'failed',
      run: 1,
      since: '2026-11-20T10:00:00Z',
      reason: 'no sign of life in 60 s',
    } as const;
    expect(plan(up([machine('web')]), observe([seen(machine('web'), failed)]))).toMatchInlineSnapshot(`
      "
      [1] start web: not running: failed (no sign of life in 60 s)
      "
    `);
  });

  test('starts what was created and never started', () => {
    const observed = observe([seen(machine('web'), { status: 'created' })]);
    expect(plan(up([machine('web')]), observed)).toMatchInlineSnapshot(`
      "
      [1] start web: not started yet
      "
    `);
  });

  test('starts what the user stopped', () => {
    const observed = observe([seen(machine('web'), exited(0), { stoppedByUser: true })]);
    expect(plan(up([machine('web')]), observed)).toMatchInlineSnapshot(`
      "
      [1] start web: not running: stopped by the user
      "
    `);
  });

  test('lets a machine that is stopping end before it starts again', () => {
    const observed = observe([seen(machine('web'), inState('stopping'))]);
    expect(plan(up([machine('web')]), observed)).toMatchInlineSnapshot(`
      "
      [1] stop web: still stopping
      [2] start web: still stopping  after [1]
      "
    `);
  });

  test('starts after a dependency that has not come up yet', () => {
    const db = machine('db');
    const web = machine('web', needs('db'));
    const observed = observe([seen(db, inState('starting')), seen(web, exited(1))]);
    expect(plan(up([db, web]), observed)).toMatchInlineSnapshot(`
      "
      [1] wait until db has started: web depends on it
      [2] start web: not running: exited 1  after [1]
      "
    `);
  });

  test('starts at once when the dependency runs', () => {
    const db = machine('db');
    const web = machine('web', needs('db'));
    expect(plan(up([db, web]), observe([seen(db), seen(web, exited(1))]))).toMatchInlineSnapshot(`
      "
      [1] start web: not running: exited 1
      "
    `);
  });
});

describe('--wait', () => {
  test('waits for every machine that the plan starts', () => {
    const machines = [machine('job', { kind: 'task' }), machine('web')];
    expect(plan(up(machines, { wait: true }))).toMatchInlineSnapshot(`
      "
      [1] create job: new machine
      [2] create web: new machine
      [3] start job: new machine  after [1]
      [4] start web: new machine  after [2]
      [5] wait until job is running or done: --wait  after [3]
      [6] wait until web is running or done: --wait  after [4]
      "
    `);
  });

  test('waits for what has not settled, and for nothing else', () => {
    const task = machine('job', { kind: 'task' });
    const observed = observe([
      seen(task),
      seen(machine('a')),
      seen(machine('b'), inState('starting')),
      seen(machine('c'), restarting(1)),
    ]);
    const request = up([task, machine('a'), machine('b'), machine('c')], { wait: true });
    expect(plan(request, observed)).toMatchInlineSnapshot(`
      "
      [1] wait until b is running or done: --wait
      [2] wait until c is running or done: --wait
      [3] wait until job is running or done: --wait
      "
    `);
  });
});

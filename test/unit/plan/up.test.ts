import { describe, expect, test } from 'vitest';
import { planRequest } from '../../../src/plan/reconcile.ts';
import {
  exited,
  inState,
  machine,
  needs,
  needsDone,
  nothing,
  observe,
  plan,
  project,
  restarting,
  running,
  seen,
  up,
} from './support.ts';

describe('a first up', () => {
  test('creates and starts a machine', () => {
    expect(plan(up([machine('web')]))).toMatchInlineSnapshot(`
      "
      [1] create web: new machine
      [2] start web: new machine  after [1]
      "
    `);
  });

  test('says where the file names a new machine', () => {
    const wanted = project([machine('web')], { origins: { 'machines.web': 'krun.yaml:3' } });
    expect(plan(up(wanted))).toMatchInlineSnapshot(`
      "
      [1] create web: new machine (krun.yaml:3)
      [2] start web: new machine (krun.yaml:3)  after [1]
      "
    `);
  });

  test('starts machines after those that they depend on, independent ones in parallel', () => {
    const machines = [
      machine('api', needs('db')),
      machine('db'),
      machine('mail'),
      machine('web', needs('api', 'mail')),
    ];
    expect(plan(up(machines))).toMatchInlineSnapshot(`
      "
      [1] create db: new machine
      [2] create mail: new machine
      [3] create api: new machine
      [4] create web: new machine
      [5] start db: new machine  after [1]
      [6] start mail: new machine  after [2]
      [7] start api: new machine  after [3] [5]
      [8] start web: new machine  after [4] [6] [7]
      "
    `);
  });

  test('waits for a task that has to complete first, once for all that need it', () => {
    const machines = [
      machine('api', needsDone('migrate')),
      machine('migrate', { kind: 'task', ...needs('db') }),
      machine('db'),
      machine('web', needsDone('migrate')),
    ];
    expect(plan(up(machines))).toMatchInlineSnapshot(`
      "
      [1] create db: new machine
      [2] create migrate: new machine
      [3] create api: new machine
      [4] create web: new machine
      [5] start db: new machine  after [1]
      [6] start migrate: new machine  after [2] [5]
      [7] wait until migrate has completed successfully: api depends on it  after [6]
      [8] start api: new machine  after [3] [7]
      [9] start web: new machine  after [4] [7]
      "
    `);
  });

  test('without start only creates', () => {
    expect(plan(up([machine('web', needs('db')), machine('db')], { noStart: true }))).toMatchInlineSnapshot(`
      "
      [1] create db: new machine
      [2] create web: new machine
      "
    `);
  });

  test('of a project without machines has nothing to do', () => {
    expect(plan(up([]))).toMatchInlineSnapshot(`
      "
      nothing to do
      "
    `);
  });
});

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

describe('a task', () => {
  const task = machine('migrate', { kind: 'task' });

  test('that is done does not run again', () => {
    expect(plan(up([task]), observe([seen(task, exited(0))]))).toMatchInlineSnapshot(`
      "
      nothing to do
      "
    `);
  });

  test('that is done and named is not run either, with the way to do it', () => {
    const request = up([task], { machines: ['migrate'] });
    expect(plan(request, observe([seen(task, exited(0))]))).toMatchInlineSnapshot(`
      "
      nothing to do
      note: task migrate is done: exited 0 at 2026-11-20T10:00:00.000Z (krun start migrate runs it again)
      "
    `);
  });

  test('that failed runs again, and its dependants wait for it', () => {
    const web = machine('web', needsDone('migrate'));
    const observed = observe([seen(task, exited(3)), seen(web, { status: 'created' })]);
    expect(plan(up([task, web]), observed)).toMatchInlineSnapshot(`
      "
      [1] start migrate: not running: exited 3
      [2] wait until migrate has completed successfully: web depends on it  after [1]
      [3] start web: not started yet  after [2]
      "
    `);
  });

  test('that runs is waited for', () => {
    const web = machine('web', needsDone('migrate'));
    expect(plan(up([task, web]), observe([seen(task)]))).toMatchInlineSnapshot(`
      "
      [1] create web: new machine
      [2] wait until migrate has completed successfully: web depends on it
      [3] start web: new machine  after [1] [2]
      "
    `);
  });

  test('that is done holds nobody up', () => {
    const web = machine('web', needsDone('migrate'));
    expect(plan(up([task, web]), observe([seen(task, exited(0))]))).toMatchInlineSnapshot(`
      "
      [1] create web: new machine
      [2] start web: new machine  after [1]
      "
    `);
  });

  test('runs again when its definition changes', () => {
    const changed = machine('migrate', { kind: 'task', command: ['/bin/other'] });
    expect(plan(up([changed]), observe([seen(task, exited(0))]))).toMatchInlineSnapshot(`
      "
      [1] remove migrate: command changed
      [2] create migrate: command changed  after [1]
      [3] start migrate: command changed  after [2]
      "
    `);
  });
});

describe('a changed definition', () => {
  const before = machine('web');
  const after = machine('web', { memoryMiB: 1024 });
  const origins = { 'machines.web': 'krun.yaml:3', 'machines.web.memory': 'krun.yaml:7' };

  test('recreates just that machine, and names what changed and where', () => {
    const api = machine('api', needs('web'));
    const wanted = project([after, api], { origins });
    expect(plan(up(wanted), observe([seen(before), seen(api)]))).toMatchInlineSnapshot(`
      "
      [1] stop web: memory changed 512 -> 1024 MiB (krun.yaml:7)
      [2] remove web: memory changed 512 -> 1024 MiB (krun.yaml:7)  after [1]
      [3] create web: memory changed 512 -> 1024 MiB (krun.yaml:7)  after [2]
      [4] start web: memory changed 512 -> 1024 MiB (krun.yaml:7)  after [3]
      "
    `);
  });

  test('of a stopped machine needs no stop', () => {
    expect(plan(up(project([after], { origins })), observe([seen(before, exited(0))])))
      .toMatchInlineSnapshot(`
      "
      [1] remove web: memory changed 512 -> 1024 MiB (krun.yaml:7)
      [2] create web: memory changed 512 -> 1024 MiB (krun.yaml:7)  after [1]
      [3] start web: memory changed 512 -> 1024 MiB (krun.yaml:7)  after [2]
      "
    `);
  });

  test('of two machines stops the dependant first and starts it last', () => {
    const db = machine('db');
    const web = machine('web', needs('db'));
    const wanted = [machine('db', { cpus: 2 }), machine('web', { cpus: 2, ...needs('db') })];
    expect(plan(up(wanted), observe([seen(db), seen(web)]))).toMatchInlineSnapshot(`
      "
      [1] stop web: cpus changed 1 -> 2
      [2] stop db: cpus changed 1 -> 2  after [1]
      [3] remove db: cpus changed 1 -> 2  after [2]
      [4] remove web: cpus changed 1 -> 2  after [1]
      [5] create db: cpus changed 1 -> 2  after [3]
      [6] create web: cpus changed 1 -> 2  after [4]
      [7] start db: cpus changed 1 -> 2  after [5]
      [8] start web: cpus changed 1 -> 2  after [6] [7]
      "
    `);
  });

  test('orders machines that are joined by an unchanged one', () => {
    const [db, mid, web] = [machine('db'), machine('mid', needs('db')), machine('web', needs('mid'))];
    const wanted = [machine('db', { cpus: 2 }), mid, machine('web', { cpus: 2, ...needs('mid') })];
    expect(plan(up(wanted), observe([seen(db), seen(mid), seen(web)]))).toMatchInlineSnapshot(`
      "
      [1] stop web: cpus changed 1 -> 2
      [2] stop db: cpus changed 1 -> 2  after [1]
      [3] remove db: cpus changed 1 -> 2  after [2]
      [4] remove web: cpus changed 1 -> 2  after [1]
      [5] create db: cpus changed 1 -> 2  after [3]
      [6] create web: cpus changed 1 -> 2  after [4]
      [7] start db: cpus changed 1 -> 2  after [5]
      [8] start web: cpus changed 1 -> 2  after [6] [7]
      "
    `);
  });

  test('that can be applied live only updates the record', () => {
    const wanted = machine('web', { restart: { policy: 'always' }, stopGracePeriodMs: 30_000 });
    const live = { 'machines.web.restart': 'krun.yaml:9' };
    expect(plan(up(project([wanted], { origins: live })), observe([seen(before)]))).toMatchInlineSnapshot(`
      "
      [1] update web: restart changed no -> always (krun.yaml:9), stop_grace_period changed 10s -> 30s
      "
    `);
  });

  test('that can be applied live comes before the start of a stopped machine', () => {
    const wanted = machine('web', { stopSignal: 'SIGINT' });
    expect(plan(up([wanted]), observe([seen(before, exited(1))]))).toMatchInlineSnapshot(`
      "
      [1] update web: stop_signal changed SIGTERM -> SIGINT
      [2] start web: not running: exited 1  after [1]
      "
    `);
  });

  test('with --no-recreate is left alone, with a note', () => {
    const request = up(project([after], { origins }), { recreate: 'never' });
    expect(plan(request, observe([seen(before)]))).toMatchInlineSnapshot(`
      "
      nothing to do
      note: machine web is kept as it is (--no-recreate): memory changed 512 -> 1024 MiB (krun.yaml:7)
      "
    `);
  });

  test('with --no-recreate still starts what does not run', () => {
    const request = up(project([after], { origins }), { recreate: 'never' });
    expect(plan(request, observe([seen(before, exited(2))]))).toMatchInlineSnapshot(`
      "
      [1] start web: not running: exited 2
      note: machine web is kept as it is (--no-recreate): memory changed 512 -> 1024 MiB (krun.yaml:7)
      "
    `);
  });

  test('with --no-start stops, and does not start', () => {
    expect(plan(up([after], { noStart: true }), observe([seen(before)]))).toMatchInlineSnapshot(`
      "
      [1] stop web: memory changed 512 -> 1024 MiB
      [2] remove web: memory changed 512 -> 1024 MiB  after [1]
      [3] create web: memory changed 512 -> 1024 MiB  after [2]
      "
    `);
  });

  test('passes a timeout on to the stop', () => {
    const { nodes } = planRequest(up([after], { timeoutMs: 500 }), observe([seen(before)]));
    expect(nodes[0]?.action).toEqual({ type: 'stop', machine: 'web', byUser: false, timeoutMs: 500 });
  });

  test('never shows the value of a variable', () => {
    const [old, wanted] = [
      { A: 'secret-1', B: 'x', C: 'y' },
      { A: 'secret-2', C: 'y', D: 'secret-3' },
    ];
    const observed = observe([seen(machine('web', { environment: old }))]);
    expect(plan(up([machine('web', { environment: wanted })]), observed)).toMatchInlineSnapshot(`
      "
      [1] stop web: environment A changed, environment B removed, environment D added
      [2] remove web: environment A changed, environment B removed, environment D added  after [1]
      [3] create web: environment A changed, environment B removed, environment D added  after [2]
      [4] start web: environment A changed, environment B removed, environment D added  after [3]
      "
    `);
  });

  test('is not believed from a hash of an older krun', () => {
    const observed = observe([seen(before, running, { hash: '0-abc' })]);
    expect(plan(up([before]), observed)).toMatchInlineSnapshot(`
      "
      nothing to do
      "
    `);
  });
});

describe('--force-recreate', () => {
  const db = machine('db');
  const web = machine('web', needs('db'));

  test('makes everything anew', () => {
    const request = up([db, web], { recreate: 'force' });
    expect(plan(request, observe([seen(db), seen(web)]))).toMatchInlineSnapshot(`
      "
      [1] stop web: recreate forced (--force-recreate)
      [2] stop db: recreate forced (--force-recreate)  after [1]
      [3] remove db: recreate forced (--force-recreate)  after [2]
      [4] remove web: recreate forced (--force-recreate)  after [1]
      [5] create db: recreate forced (--force-recreate)  after [3]
      [6] create web: recreate forced (--force-recreate)  after [4]
      [7] start db: recreate forced (--force-recreate)  after [5]
      [8] start web: recreate forced (--force-recreate)  after [6] [7]
      "
    `);
  });

  test('with names leaves their dependencies as they are', () => {
    const request = up([db, web], { recreate: 'force', machines: ['web'] });
    expect(plan(request, observe([seen(db), seen(web)]))).toMatchInlineSnapshot(`
      "
      [1] stop web: recreate forced (--force-recreate)
      [2] remove web: recreate forced (--force-recreate)  after [1]
      [3] create web: recreate forced (--force-recreate)  after [2]
      [4] start web: recreate forced (--force-recreate)  after [3]
      "
    `);
  });
});

describe('named machines', () => {
  const machines = [
    machine('api', needs('db')),
    machine('db'),
    machine('web', needs('api')),
    machine('mail'),
  ];

  test('come with what they depend on', () => {
    expect(plan(up(machines, { machines: ['api'] }))).toMatchInlineSnapshot(`
      "
      [1] create db: new machine
      [2] create api: new machine
      [3] start db: new machine  after [1]
      [4] start api: new machine  after [2] [3]
      "
    `);
  });

  test('come alone with --no-deps', () => {
    expect(plan(up(machines, { machines: ['web'], noDeps: true }))).toMatchInlineSnapshot(`
      "
      [1] create web: new machine
      [2] start web: new machine  after [1]
      "
    `);
  });

  test('that do not exist refuse the request', () => {
    expect(plan(up(machines, { machines: ['api', 'wbe'] }))).toMatchInlineSnapshot(`
      "
      error: no machine is named wbe; did you mean web?
      "
    `);
  });
});

describe('orphans', () => {
  const observed = observe([
    seen(machine('old', needs('older'))),
    seen(machine('older')),
    seen(machine('gone'), exited(0)),
    seen(machine('debug'), exited(0)),
  ]);

  test('are kept with a note, machines of inactive profiles without', () => {
    const wanted = project([], { disabledMachines: ['debug'] });
    expect(plan(up(wanted), observed)).toMatchInlineSnapshot(`
      "
      nothing to do
      note: orphan machine gone is kept: it is no longer in krun.yaml (--remove-orphans removes it)
      note: orphan machine old is kept: it is no longer in krun.yaml (--remove-orphans removes it)
      note: orphan machine older is kept: it is no longer in krun.yaml (--remove-orphans removes it)
      "
    `);
  });

  test('are removed on request, in reverse order', () => {
    const wanted = project([], { disabledMachines: ['debug'] });
    expect(plan(up(wanted, { removeOrphans: true }), observed)).toMatchInlineSnapshot(`
      "
      [1] stop old: orphan: no longer in krun.yaml
      [2] stop older: orphan: no longer in krun.yaml  after [1]
      [3] remove gone: orphan: no longer in krun.yaml
      [4] remove old: orphan: no longer in krun.yaml  after [1]
      [5] remove older: orphan: no longer in krun.yaml  after [2]
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

test('names that JavaScript objects have by birth are ordinary names', () => {
  expect(plan(up([machine('constructor')]), nothing)).toMatchInlineSnapshot(`
    "
    [1] create constructor: new machine
    [2] start constructor: new machine  after [1]
    "
  `);
});

import { describe, expect, test } from 'vitest';
import { planRequest } from '../../../src/plan/reconcile.ts';
import { exited, machine, needs, observe, plan, project, running, seen, up } from './support.ts';

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

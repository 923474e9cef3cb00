import { describe, expect, test } from 'vitest';
import { exited, machine, needs, needsDone, observe, plan, project, seen, up } from './support.ts';

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

import { describe, expect, test } from 'vitest';
import { exited, machine, needs, observe, plan, running, seen, up } from './support.ts';

describe('changed contents of a secret', () => {
  const db = machine('db');
  const web = machine('web', needs('db'));
  const changedGrants = { web: 'secret token changed' };

  test('start the running machine again, and leave the others alone', () => {
    expect(plan(up([db, web]), observe([seen(db), seen(web)], { changedGrants }))).toMatchInlineSnapshot(`
      "
      [1] stop web: secret token changed
      [2] start web: secret token changed  after [1]
      "
    `);
  });

  test('are no reason to make a machine anew that is made anew for another one', () => {
    const after = machine('web', { ...needs('db'), cpus: 2 });
    expect(plan(up([db, after]), observe([seen(db), seen(web)], { changedGrants }))).toMatchInlineSnapshot(`
      "
      [1] stop web: cpus changed 1 -> 2
      [2] remove web: cpus changed 1 -> 2  after [1]
      [3] create web: cpus changed 1 -> 2  after [2]
      [4] start web: cpus changed 1 -> 2  after [3]
      "
    `);
  });

  test('are read at the next start of a machine that does not run', () => {
    expect(plan(up([db, web]), observe([seen(db), seen(web, exited(1))], { changedGrants })))
      .toMatchInlineSnapshot(`
      "
      [1] start web: not running: exited 1
      "
    `);
  });

  test('are told where machines are to be left as they are', () => {
    const observed = observe([seen(db), seen(web, running)], { changedGrants });
    expect(plan(up([db, web], { recreate: 'never' }), observed)).toMatchInlineSnapshot(`
      "
      nothing to do
      note: machine web runs on with what it has (--no-recreate): secret token changed
      "
    `);
    expect(plan(up([db, web], { noStart: true }), observed)).toMatchInlineSnapshot(`
      "
      nothing to do
      note: machine web runs on with what it has (--no-start): secret token changed
      "
    `);
  });
});

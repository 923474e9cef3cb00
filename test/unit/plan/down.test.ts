import { describe, expect, test } from 'vitest';
import type { Request } from '../../../src/plan/request.ts';
import { exited, machine, namedDisk, needs, nothing, observe, plan, restarting, seen } from './support.ts';

function down(more: Partial<Extract<Request, { type: 'down' }>> = {}): Request {
  return { type: 'down', removeDisks: false, protectedDisks: [], ...more };
}

const chain = observe([
  seen(machine('db')),
  seen(machine('api', needs('db'))),
  seen(machine('web', needs('api'))),
  seen(machine('mail')),
]);

describe('down', () => {
  test('of nothing does nothing', () => {
    expect(plan(down(), nothing)).toMatchInlineSnapshot(`
      "
      nothing to do
      "
    `);
  });

  test('stops dependants first and independent machines in parallel, then removes', () => {
    expect(plan(down(), chain)).toMatchInlineSnapshot(`
      "
      [1] stop web: krun down
      [2] stop api: krun down  after [1]
      [3] stop mail: krun down
      [4] stop db: krun down  after [2]
      [5] remove api: krun down  after [2]
      [6] remove db: krun down  after [4]
      [7] remove mail: krun down  after [3]
      [8] remove web: krun down  after [1]
      "
    `);
  });

  test('keeps the order through machines that have ended already', () => {
    const observed = observe([
      seen(machine('db')),
      seen(machine('api', needs('db')), exited(0)),
      seen(machine('web', needs('api')), restarting(1)),
    ]);
    expect(plan(down(), observed)).toMatchInlineSnapshot(`
      "
      [1] stop web: krun down
      [2] stop db: krun down  after [1]
      [3] remove api: krun down
      [4] remove db: krun down  after [2]
      [5] remove web: krun down  after [1]
      "
    `);
  });

  test('ends also where records of different ages depend on each other', () => {
    const observed = observe([seen(machine('a', needs('b'))), seen(machine('b', needs('a')))]);
    expect(plan(down(), observed)).toMatchInlineSnapshot(`
      "
      [1] stop b: krun down
      [2] stop a: krun down  after [1]
      [3] remove a: krun down  after [2]
      [4] remove b: krun down  after [1]
      "
    `);
  });

  test('keeps disks', () => {
    const observed = observe([], { disks: { data: { format: 'raw', sizeBytes: 1 } } });
    expect(plan(down(), observed)).toMatchInlineSnapshot(`
      "
      nothing to do
      "
    `);
  });

  test('with disks removes those of the project after their machines, but no protected one', () => {
    const observed = observe(
      [seen(machine('db', { disks: [namedDisk('data')] })), seen(machine('web'), exited(0))],
      {
        disks: {
          data: { format: 'raw', sizeBytes: 1 },
          keep: { format: 'qcow2', sizeBytes: 1 },
          unused: { format: 'raw', sizeBytes: 1 },
        },
      },
    );
    expect(plan(down({ removeDisks: true, protectedDisks: ['keep'] }), observed)).toMatchInlineSnapshot(`
      "
      [1] stop db: krun down
      [2] remove db: krun down  after [1]
      [3] remove web: krun down
      [4] remove disk data: krun down -v  after [2]
      [5] remove disk unused: krun down -v
      note: disk keep is kept: it is protected (protect: true)
      "
    `);
  });
});

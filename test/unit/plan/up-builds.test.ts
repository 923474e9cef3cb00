import { describe, expect, test } from 'vitest';
import type { Build, Machine } from '../../../src/project/project.ts';
import { exited, machine, needs, observe, plan, seen, up } from './support.ts';

const build: Build = { command: ['./mkroot.sh'], inputs: ['/p/mkroot.sh'], directory: '/p', environment: {} };
const stale = { staleBuilds: { web: 'input mkroot.sh changed' } };

function built(name: string, more: Partial<Machine> = {}): Machine {
  return machine(name, { build, ...more });
}

describe('a build', () => {
  test('comes before a new machine', () => {
    const observed = observe([], { staleBuilds: { web: 'never built' } });
    expect(plan(up([built('web')]), observed)).toMatchInlineSnapshot(`
      "
      [1] build web: never built
      [2] create web: new machine  after [1]
      [3] start web: new machine  after [2]
      "
    `);
  });

  test('that is up to date does not run', () => {
    expect(plan(up([built('web')]), observe([seen(built('web'))]))).toMatchInlineSnapshot(`
      "
      nothing to do
      "
    `);
  });

  test('that is stale stops and starts the running machine around it', () => {
    expect(plan(up([built('web')]), observe([seen(built('web'))], stale))).toMatchInlineSnapshot(`
      "
      [1] stop web: input mkroot.sh changed
      [2] build web: input mkroot.sh changed  after [1]
      [3] start web: input mkroot.sh changed  after [1] [2]
      "
    `);
  });

  test('that is stale runs before the start of a machine that has exited', () => {
    expect(plan(up([built('web')]), observe([seen(built('web'), exited(0))], stale))).toMatchInlineSnapshot(`
      "
      [1] build web: input mkroot.sh changed
      [2] start web: input mkroot.sh changed  after [1]
      "
    `);
  });

  test('that is stale runs a done task again', () => {
    const task = built('web', { kind: 'task' });
    expect(plan(up([task]), observe([seen(task, exited(0))], stale))).toMatchInlineSnapshot(`
      "
      [1] build web: input mkroot.sh changed
      [2] start web: input mkroot.sh changed  after [1]
      "
    `);
  });

  test('that is stale and a changed definition are one recreation', () => {
    const observed = observe([seen(built('web'))], stale);
    expect(plan(up([built('web', { cpus: 2 })]), observed)).toMatchInlineSnapshot(`
      "
      [1] stop web: cpus changed 1 -> 2
      [2] remove web: cpus changed 1 -> 2  after [1]
      [3] build web: input mkroot.sh changed  after [1]
      [4] create web: cpus changed 1 -> 2  after [2] [3]
      [5] start web: cpus changed 1 -> 2  after [4]
      "
    `);
  });

  test('with --no-recreate leaves the running machine alone', () => {
    const request = up([built('web')], { recreate: 'never' });
    expect(plan(request, observe([seen(built('web'))], stale))).toMatchInlineSnapshot(`
      "
      nothing to do
      note: machine web is not built again (--no-recreate): input mkroot.sh changed
      "
    `);
  });

  test('of a root that machines share runs once, and before all of them', () => {
    const root = { kind: 'directory', path: '/p/rootfs' } as const;
    const observed = observe([], { staleBuilds: { a: 'never built', b: 'never built' } });
    const machines = [built('a', { root }), built('b', { root }), machine('c', { root, ...needs('a') })];
    expect(plan(up(machines), observed)).toMatchInlineSnapshot(`
      "
      [1] build a: never built
      [2] create a: new machine  after [1]
      [3] create b: new machine  after [1]
      [4] create c: new machine  after [1]
      [5] start a: new machine  after [2]
      [6] start b: new machine  after [3]
      [7] start c: new machine  after [4] [5]
      "
    `);
  });

  test('waits for every machine on its root to stop', () => {
    const root = { kind: 'directory', path: '/p/rootfs' } as const;
    const [a, b] = [built('a', { root }), built('b', { root })];
    const observed = observe([seen(a), seen(b)], {
      staleBuilds: { a: 'input x changed', b: 'input x changed' },
    });
    expect(plan(up([a, b]), observed)).toMatchInlineSnapshot(`
      "
      [1] stop b: input x changed
      [2] stop a: input x changed
      [3] build a: input x changed  after [1] [2]
      [4] start a: input x changed  after [2] [3]
      [5] start b: input x changed  after [1] [3]
      "
    `);
  });

  test('is refused while a machine outside the request runs on the root', () => {
    const root = { kind: 'directory', path: '/p/rootfs' } as const;
    const [a, b] = [built('a', { root }), built('b', { root })];
    const observed = observe([seen(b)], { staleBuilds: { a: 'input x changed', b: 'input x changed' } });
    expect(plan(up([a, b], { machines: ['a'] }), observed)).toMatchInlineSnapshot(`
      "
      error: the root of a cannot be built again while b runs on it (krun stop b first)
      "
    `);
  });

  test('is not run for a machine whose file no longer has one', () => {
    expect(plan(up([machine('web')]), observe([], stale))).toMatchInlineSnapshot(`
      "
      [1] create web: new machine
      [2] start web: new machine  after [1]
      "
    `);
  });
});

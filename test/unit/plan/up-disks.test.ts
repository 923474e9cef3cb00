import { describe, expect, test } from 'vitest';
import type { Machine } from '../../../src/project/project.ts';
import { disk, exited, machine, namedDisk, needsDone, observe, plan, project, seen, up } from './support.ts';
import { tsi } from '../../support/definitions.ts';

const GIB = 1024 ** 3;
const origins = {
  'disks.data': 'krun.yaml:20',
  'disks.data.size': 'krun.yaml:21',
  'disks.data.format': 'krun.yaml:22',
};
const db = machine('db', { disks: [namedDisk('data')] });

function wanted(sizeGib: number, machines: readonly Machine[] = [db]): ReturnType<typeof project> {
  return project(machines, { disks: { data: disk('data', sizeGib) }, origins });
}

const present = { disks: { data: { format: 'raw', sizeBytes: 10 * GIB } } } as const;

describe('named disks', () => {
  test('are created before the machines that use them', () => {
    expect(plan(up(wanted(10)))).toMatchInlineSnapshot(`
      "
      [1] create disk data (10 GiB raw): new disk (krun.yaml:20)
      [2] create db: new machine  after [1]
      [3] start db: new machine  after [2]
      "
    `);
  });

  test('are created for the root of a machine too, and once for several machines', () => {
    const root = { kind: 'disk', device: '/dev/vda', disk: namedDisk('data', { readOnly: true }) } as const;
    expect(plan(up(wanted(10, [machine('a', { root }), machine('b', { root })])))).toMatchInlineSnapshot(`
      "
      [1] create disk data (10 GiB raw): new disk (krun.yaml:20)
      [2] create a: new machine  after [1]
      [3] create b: new machine  after [1]
      [4] start a: new machine  after [2]
      [5] start b: new machine  after [3]
      "
    `);
  });

  test('that no machine uses are not created', () => {
    expect(plan(up(wanted(10, [])))).toMatchInlineSnapshot(`
      "
      nothing to do
      "
    `);
  });

  test('that exist are left alone', () => {
    expect(plan(up(wanted(10)), observe([seen(db)], present))).toMatchInlineSnapshot(`
      "
      nothing to do
      "
    `);
  });

  test('survive the recreation of their machine', () => {
    const changed = machine('db', { disks: [namedDisk('data')], cpus: 2 });
    expect(plan(up(wanted(10, [changed])), observe([seen(db)], present))).toMatchInlineSnapshot(`
      "
      [1] stop db: cpus changed 1 -> 2
      [2] remove db: cpus changed 1 -> 2  after [1]
      [3] create db: cpus changed 1 -> 2  after [2]
      [4] start db: cpus changed 1 -> 2  after [3]
      "
    `);
  });

  test('grow while their machine is stopped for it', () => {
    expect(plan(up(wanted(20)), observe([seen(db)], present))).toMatchInlineSnapshot(`
      "
      [1] stop db: disk data grows 10 -> 20 GiB (krun.yaml:21)
      [2] grow disk data: size changed 10 -> 20 GiB (krun.yaml:21)  after [1]
      [3] start db: disk data grows 10 -> 20 GiB (krun.yaml:21)  after [1] [2]
      "
    `);
  });

  test('grow before the start of a machine that does not run', () => {
    expect(plan(up(wanted(20)), observe([seen(db, exited(1))], present))).toMatchInlineSnapshot(`
      "
      [1] grow disk data: size changed 10 -> 20 GiB (krun.yaml:21)
      [2] start db: not running: exited 1  after [1]
      "
    `);
  });

  test('grow once when the machine is recreated anyway', () => {
    const changed = machine('db', { disks: [namedDisk('data')], cpus: 2 });
    expect(plan(up(wanted(20, [changed])), observe([seen(db)], present))).toMatchInlineSnapshot(`
      "
      [1] stop db: cpus changed 1 -> 2
      [2] remove db: cpus changed 1 -> 2  after [1]
      [3] grow disk data: size changed 10 -> 20 GiB (krun.yaml:21)  after [1]
      [4] create db: cpus changed 1 -> 2  after [2] [3]
      [5] start db: cpus changed 1 -> 2  after [4]
      "
    `);
  });

  test('do not grow under a machine outside the request', () => {
    const reader = machine('reader', { disks: [namedDisk('data', { readOnly: true })] });
    const other = machine('other', { disks: [namedDisk('data', { readOnly: true })] });
    const request = up(wanted(20, [reader, other]), { machines: ['reader'] });
    expect(plan(request, observe([seen(reader), seen(other)], present))).toMatchInlineSnapshot(`
      "
      nothing to do
      note: disk data is not grown to 20 GiB now: machine other runs on it and is not part of this request
      "
    `);
  });

  test.each(['never', 'start'] as const)(
    'do not grow under a running machine when told to leave it (%s)',
    (how) => {
      const request = up(wanted(20), how === 'never' ? { recreate: 'never' } : { noStart: true });
      const made = plan(request, observe([seen(db)], present));
      expect(made).toContain('nothing to do');
      expect(made).toContain('note: disk data is not grown to 20 GiB now: machine db runs on it');
    },
  );

  test('never shrink', () => {
    expect(plan(up(wanted(5)), observe([seen(db)], present))).toMatchInlineSnapshot(`
      "
      nothing to do
      note: disk data stays at 10 GiB, because disks never shrink; the file says 5 GiB (krun.yaml:21)
      "
    `);
  });

  test('are never converted: another format refuses the request', () => {
    const qcow2 = { disks: { data: { format: 'qcow2', sizeBytes: 10 * GIB } } } as const;
    expect(plan(up(wanted(10)), observe([], qcow2))).toMatchInlineSnapshot(`
      "
      error: disk data exists as qcow2, not as raw (krun.yaml:22): krun does not convert disks; keep \`format: qcow2\` or name a new disk
      "
    `);
  });
});

describe('a disk that moves from one machine to another', () => {
  const old = machine('old', { disks: [namedDisk('data')] });
  const next = machine('next', { disks: [namedDisk('data')] });

  test('is free once the first has stopped', () => {
    const request = up(wanted(10, [machine('old'), next]));
    expect(plan(request, observe([seen(old)], present))).toMatchInlineSnapshot(`
      "
      [1] stop old: disk data removed
      [2] remove old: disk data removed  after [1]
      [3] create next: new machine
      [4] create old: disk data removed  after [2]
      [5] start next: new machine  after [1] [3]
      [6] start old: disk data removed  after [4]
      "
    `);
  });

  test('refuses the request while a machine outside it runs on the disk', () => {
    expect(plan(up(wanted(10, [next])), observe([seen(old)], present))).toMatchInlineSnapshot(`
      "
      error: machine next cannot have disk data while machine old runs on it: stop old first (krun stop old)
      note: orphan machine old is kept: it is no longer in krun.yaml (--remove-orphans removes it)
      "
    `);
  });

  test('is free when the orphan that has it is removed', () => {
    const request = up(wanted(10, [next]), { removeOrphans: true });
    expect(plan(request, observe([seen(old)], present))).toMatchInlineSnapshot(`
      "
      [1] stop old: orphan: no longer in krun.yaml
      [2] remove old: orphan: no longer in krun.yaml  after [1]
      [3] create next: new machine
      [4] start next: new machine  after [1] [3]
      "
    `);
  });
});

test('a task that runs again gets its disk from the service that depends on it', () => {
  const service = machine('db', { disks: [namedDisk('data')], ...needsDone('seed') });
  const seed = machine('seed', { kind: 'task', disks: [namedDisk('data')] });
  const changed = machine('seed', { kind: 'task', disks: [namedDisk('data')], command: ['/bin/other'] });
  const observed = observe([seen(service), seen(seed, exited(0))], present);
  expect(plan(up(wanted(10, [service, changed])), observed)).toMatchInlineSnapshot(`
    "
    [1] stop db: seed needs disk data
    [2] remove seed: command changed
    [3] create seed: command changed  after [2]
    [4] start seed: command changed  after [1] [3]
    [5] wait until seed has completed successfully: db depends on it  after [4]
    [6] start db: seed needs disk data  after [1] [5]
    "
  `);
});

test('a port that moves to another machine is free once the first has stopped', () => {
  const published = tsi({ host: 8080, guest: 80, protocol: 'tcp' });
  const request = up([machine('a'), machine('b', published)]);
  expect(plan(request, observe([seen(machine('a', published))]))).toMatchInlineSnapshot(`
    "
    [1] stop a: network default removed, port 8080:80/tcp removed
    [2] remove a: network default removed, port 8080:80/tcp removed  after [1]
    [3] create a: network default removed, port 8080:80/tcp removed  after [2]
    [4] create b: new machine
    [5] start a: network default removed, port 8080:80/tcp removed  after [3]
    [6] start b: new machine  after [1] [4]
    "
  `);
});

test('machines that share a disk read-only do not wait for each other', () => {
  const disks = [namedDisk('data', { readOnly: true })];
  const observed = observe([seen(machine('a', { disks })), seen(machine('b', { disks }))], present);
  const made = plan(
    up(wanted(10, [machine('a', { disks, cpus: 2 }), machine('b', { disks, cpus: 2 })])),
    observed,
  );
  expect(made).toMatchInlineSnapshot(`
    "
    [1] stop b: cpus changed 1 -> 2
    [2] stop a: cpus changed 1 -> 2
    [3] remove a: cpus changed 1 -> 2  after [2]
    [4] remove b: cpus changed 1 -> 2  after [1]
    [5] create a: cpus changed 1 -> 2  after [3]
    [6] create b: cpus changed 1 -> 2  after [4]
    [7] start a: cpus changed 1 -> 2  after [5]
    [8] start b: cpus changed 1 -> 2  after [6]
    "
  `);
});

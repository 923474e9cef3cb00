import { expect, test } from 'vitest';
import { planRequest } from '../../../src/plan/reconcile.ts';
import { renderPlan } from '../../../src/view/plan.ts';
import { createPaint } from '../../../src/view/style.ts';
import { disk, exited, machine, namedDisk, needs, observe, project, seen, up } from '../plan/support.ts';

const GIB = 1024 ** 3;
const build = { command: ['x'], inputs: [], directory: '/p', environment: {} };

const mixed = planRequest(
  up(
    project(
      [
        machine('db', { disks: [namedDisk('data'), namedDisk('log')] }),
        machine('api', { cpus: 2, ...needs('db') }),
        machine('cron', { restart: { policy: 'always' } }),
        machine('img', { build }),
        machine('job'),
        machine('web', needs('api')),
      ],
      { disks: { data: disk('data', 20), log: disk('log', 1) } },
    ),
    { removeOrphans: true },
  ),
  observe(
    [
      seen(machine('db', { disks: [namedDisk('data'), namedDisk('log')] })),
      seen(machine('api', needs('db'))),
      seen(machine('cron')),
      seen(machine('img', { build })),
      seen(machine('job'), exited(1)),
      seen(machine('old')),
    ],
    {
      disks: { data: { format: 'raw', sizeBytes: 10 * GIB }, log: { format: 'raw', sizeBytes: 2 * GIB } },
      staleBuilds: { img: 'input mkroot.sh changed' },
    },
  ),
);

test('a plan for people has one line for each machine and disk, grouped by what happens', () => {
  expect(`\n${renderPlan(mixed, createPaint(false))}\n`).toMatchInlineSnapshot(`
    "
    + web        create    new machine
    ~ api        recreate  cpus changed 1 -> 2
    ~ img        rebuild   input mkroot.sh changed
    ~ db         restart   disk data grows 10 -> 20 GiB
    ~ cron       update    restart changed no -> always
    ~ disk data  update    size changed 10 -> 20 GiB
    > job        start     not running: exited 1
    - old        remove    orphan: no longer in krun.yaml
    note: disk log stays at 2 GiB, because disks never shrink; the file says 1 GiB
    Plan: 1 to create, 1 to recreate, 1 to rebuild, 1 to restart, 2 to update, 1 to start, 1 to remove.
    "
  `);
});

test('colours follow what happens', () => {
  const plan = planRequest(up([machine('web')]), observe([]));
  expect(renderPlan(plan, createPaint(true))).toBe(
    '\u001b[32m+ web  create  \u001b[39m  new machine\n\u001b[1mPlan: 1 to create.\u001b[22m',
  );
});

test('an empty plan says so, with its notes', () => {
  const plan = planRequest(up([]), observe([seen(machine('old'))]));
  expect(`\n${renderPlan(plan, createPaint(false))}\n`).toMatchInlineSnapshot(`
    "
    Nothing to do.
    note: orphan machine old is kept: it is no longer in krun.yaml (--remove-orphans removes it)
    "
  `);
});

test('a refused request shows why and nothing else', () => {
  const plan = planRequest(up([machine('web')], { machines: ['wbe'] }), observe([]));
  expect(`\n${renderPlan(plan, createPaint(false))}\n`).toMatchInlineSnapshot(`
    "
    error: no machine wbe; did you mean web?
    "
  `);
});

test('new disks show their size', () => {
  const wanted = project([machine('db', { disks: [namedDisk('data')] })], {
    disks: { data: disk('data', 10) },
  });
  expect(`\n${renderPlan(planRequest(up(wanted), observe([])), createPaint(false))}\n`)
    .toMatchInlineSnapshot(`
    "
    + db         create    new machine
    + disk data  create    new disk, 10 GiB raw
    Plan: 2 to create.
    "
  `);
});

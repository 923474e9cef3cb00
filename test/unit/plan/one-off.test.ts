import { expect, test } from 'vitest';
import { oneOffProject } from '../../../src/project/one-off.ts';
import { exited, machine, needs, observe, plan, project, running, seen, up } from './support.ts';

const db = machine('db');
const web = machine('web', needs('db'));
const FILE = project([db, web]);
const REQUEST = { of: 'web', name: 'web-run-1', idle: true, removed: false };
const RUN = oneOffProject(FILE, REQUEST);
const oneOff = RUN.machines['web-run-1'] ?? web;
const wanted = up(RUN, { machines: ['web-run-1'] });

test('a run starts what its machine needs, and touches nothing else', () => {
  expect(plan(wanted)).toMatchInlineSnapshot(`
    "
    [1] create db: new machine
    [2] create web-run-1: krun run web
    [3] start db: new machine  after [1]
    [4] start web-run-1: krun run web  after [2] [3]
    "
  `);
  const other = seen({ ...oneOff, name: 'web-run-0' }, exited(1));
  expect(plan(wanted, observe([seen(db), seen(web), other, seen(machine('old'))]))).toMatchInlineSnapshot(`
    "
    [1] create web-run-1: krun run web
    [2] start web-run-1: krun run web  after [1]
    "
  `);
});

test('a run without dependencies is about its machine alone', () => {
  expect(plan({ ...wanted, noDeps: true })).toMatchInlineSnapshot(`
    "
    [1] create web-run-1: krun run web
    [2] start web-run-1: krun run web  after [1]
    "
  `);
});

test('a run takes the root as it is while another machine runs on it', () => {
  const built = { build: { command: ['mk'], inputs: [], directory: '/p', environment: {} } };
  const request = up(oneOffProject(project([machine('web', built)]), REQUEST), { machines: ['web-run-1'] });
  const staleBuilds = { 'web-run-1': 'input mk changed' };
  expect(plan(request, observe([seen(machine('web', built))], { staleBuilds }))).toMatchInlineSnapshot(`
    "
    [1] create web-run-1: krun run web
    [2] start web-run-1: krun run web  after [1]
    note: the root is not built again while web runs on it: input mk changed
    "
  `);
  expect(plan(request, observe([seen(machine('web', built), exited(0))], { staleBuilds })))
    .toMatchInlineSnapshot(`
    "
    [1] build web-run-1: input mk changed
    [2] create web-run-1: krun run web  after [1]
    [3] start web-run-1: krun run web  after [2]
    "
  `);
});

test('up leaves a run alone while it runs, tells of it afterwards and removes it on request', () => {
  const others = [seen(db), seen(web)];
  expect(plan(up(FILE), observe([...others, seen(oneOff, running)]))).toMatchInlineSnapshot(`
    "
    nothing to do
    "
  `);
  const ended = observe([...others, seen(oneOff, exited(0))]);
  expect(plan(up(FILE), ended)).toMatchInlineSnapshot(`
    "
    nothing to do
    note: one-off machine web-run-1 is kept: it is left from krun run web (--remove-orphans removes it)
    "
  `);
  expect(plan(up(FILE, { removeOrphans: true }), ended)).toMatchInlineSnapshot(`
    "
    [1] remove web-run-1: orphan: left from krun run web
    "
  `);
  const busy = observe([...others, seen(oneOff, running)]);
  expect(plan(up(FILE, { removeOrphans: true }), busy)).toMatchInlineSnapshot(`
    "
    nothing to do
    "
  `);
});

test('start and restart of all machines leave runs alone, stop and down do not', () => {
  const ended = observe([seen(db, exited(0)), seen(oneOff, exited(1))]);
  expect(plan({ type: 'start', machines: [] }, ended)).toMatchInlineSnapshot(`
    "
    [1] start db: krun start
    "
  `);
  expect(plan({ type: 'restart', machines: [] }, ended)).toMatchInlineSnapshot(`
    "
    [1] start db: krun restart
    "
  `);
  expect(plan({ type: 'start', machines: ['web-run-1'] }, ended)).toMatchInlineSnapshot(`
    "
    [1] start web-run-1: krun start
    note: machine web-run-1 depends on db, which does not run
    "
  `);
  const busy = observe([seen(oneOff, running)]);
  expect(plan({ type: 'stop', machines: [] }, busy)).toMatchInlineSnapshot(`
    "
    [1] stop web-run-1: krun stop
    "
  `);
  expect(plan({ type: 'down', removeDisks: false, protectedDisks: [] }, busy)).toMatchInlineSnapshot(`
    "
    [1] stop web-run-1: krun down
    [2] remove web-run-1: krun down  after [1]
    "
  `);
});

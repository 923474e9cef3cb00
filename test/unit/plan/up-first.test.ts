import { describe, expect, test } from 'vitest';
import { machine, needs, needsDone, nothing, plan, project, up } from './support.ts';

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
      error: no machine wbe; did you mean web?
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

import { describe, expect, test } from 'vitest';
import type { HostPort, Machine } from '../../../src/project/project.ts';
import { onGvproxy } from '../../support/definitions.ts';
import { exited, machine, observe, plan, project, restarting, seen, up } from './support.ts';

function on(name: string, more: Parameters<typeof onGvproxy>[1] = {}, rest: Partial<Machine> = {}): Machine {
  return machine(name, { networks: [onGvproxy(name, more)], ...rest });
}

function port(host: HostPort['host'], protocol: HostPort['protocol'] = 'tcp'): HostPort {
  return { host, hostIp: '127.0.0.1', guest: 80, protocol };
}

describe('a network in another shape', () => {
  const before = [seen(on('a')), seen(on('b'))];

  test('waits until all that run on it have stopped', () => {
    const after = [on('a', { mtu: 1400 }), on('b', { mtu: 1400 })];
    expect(plan(up(after), observe(before))).toMatchInlineSnapshot(`
      "
      [1] stop b: network default: mtu changed 1500 -> 1400
      [2] stop a: network default: mtu changed 1500 -> 1400
      [3] remove a: network default: mtu changed 1500 -> 1400  after [2]
      [4] remove b: network default: mtu changed 1500 -> 1400  after [1]
      [5] create a: network default: mtu changed 1500 -> 1400  after [3]
      [6] create b: network default: mtu changed 1500 -> 1400  after [4]
      [7] start a: network default: mtu changed 1500 -> 1400  after [1] [5]
      [8] start b: network default: mtu changed 1500 -> 1400  after [2] [6]
      "
    `);
  });

  test('is refused while a machine outside of the request runs on it', () => {
    const after = [on('a', { mtu: 1400 }), on('b', { mtu: 1400 })];
    expect(plan(up(after, { machines: ['a'] }), observe(before))).toMatchInlineSnapshot(`
      "
      error: machine a needs network default with other settings than machine b runs on it with: bring both up to date (krun up a b), or stop b first
      "
    `);
  });

  test('is refused while a machine waits for its restart on it', () => {
    const world = observe([seen(on('a'), exited(0)), seen(on('b'), restarting(1))]);
    const after = [on('a', { mtu: 1400 }), on('b', { mtu: 1400 })];
    expect(plan(up(after, { machines: ['a'] }), world)).toMatchInlineSnapshot(`
      "
      error: machine a needs network default with other settings than machine b runs on it with: bring both up to date (krun up a b), or stop b first
      "
    `);
  });

  test('is not waited for where its process is the same', () => {
    const after = [on('a', { offloading: true }), on('b')];
    expect(plan(up(after, { machines: ['a'] }), observe(before))).toMatchInlineSnapshot(`
      "
      [1] stop a: network default: offloading changed off -> on
      [2] remove a: network default: offloading changed off -> on  after [1]
      [3] create a: network default: offloading changed off -> on  after [2]
      [4] start a: network default: offloading changed off -> on  after [3]
      "
    `);
  });

  test('comes after an orphan on it that goes', () => {
    const request = up([on('a', { subnet: '10.1.0.0/24' })], { removeOrphans: true });
    expect(plan(request, observe([seen(on('old'))]))).toMatchInlineSnapshot(`
      "
      [1] stop old: orphan: no longer in krun.yaml
      [2] remove old: orphan: no longer in krun.yaml  after [1]
      [3] create a: new machine
      [4] start a: new machine  after [1] [3]
      "
    `);
  });

  test('is refused at a start where a record says otherwise than what runs', () => {
    const world = observe([seen(on('a', { mtu: 1400 }), exited(0)), seen(on('b'))]);
    expect(plan({ type: 'start', machines: ['a'] }, world)).toMatchInlineSnapshot(`
      "
      error: machine a needs network default with other settings than machine b runs on it with: bring both up to date (krun up a b), or stop b first
      "
    `);
  });
});

describe('ports of running machines', () => {
  test('move from one to another: given away before they are taken', () => {
    const before = [seen(on('a')), seen(on('b', {}, { ports: [port(80)] }))];
    const after = [on('a', {}, { ports: [port(80)] }), on('b')];
    expect(plan(up(after), observe(before))).toMatchInlineSnapshot(`
      "
      [1] update b: port 80:80/tcp removed
      [2] update a: port 80:80/tcp added  after [1]
      "
    `);
  });

  test('that move to a machine which starts are given away first', () => {
    const before = [seen(on('a', {}, { ports: [port(80)] }))];
    const after = [on('a'), on('b', {}, { ports: [port(80)] })];
    expect(plan(up(after), observe(before))).toMatchInlineSnapshot(`
      "
      [1] update a: port 80:80/tcp removed
      [2] create b: new machine
      [3] start b: new machine  after [1] [2]
      "
    `);
  });

  test('that a machine frees by stopping are taken after that', () => {
    const before = [seen(on('a', {}, { ports: [port(80)] })), seen(on('b'))];
    const after = [on('a', {}, { cpus: 2 }), on('b', {}, { ports: [port(80)] })];
    expect(plan(up(after), observe(before))).toMatchInlineSnapshot(`
      "
      [1] stop a: cpus changed 1 -> 2
      [2] remove a: cpus changed 1 -> 2  after [1]
      [3] update b: port 80:80/tcp added  after [1]
      [4] create a: cpus changed 1 -> 2  after [2]
      [5] start a: cpus changed 1 -> 2  after [4]
      "
    `);
  });

  test('cannot go round in a circle', () => {
    const before = [seen(on('a', {}, { ports: [port(80)] })), seen(on('b', {}, { ports: [port(81)] }))];
    const after = [on('a', {}, { ports: [port(81)] }), on('b', {}, { ports: [port(80)] })];
    expect(plan(up(after), observe(before))).toMatchInlineSnapshot(`
      "
      error: machines a and b exchange ports of the host, of which none is free in between: stop a first (krun stop a)
      "
    `);
  });

  test("that krun chooses are in nobody's way", () => {
    const after = [on('a', {}, { ports: [port('auto')] }), on('b', {}, { ports: [port('auto')] })];
    const before = [seen(on('a', {}, { ports: [port('auto')], cpus: 2 }))];
    expect(plan(up(after), observe(before))).toMatchInlineSnapshot(`
      "
      [1] stop a: cpus changed 2 -> 1
      [2] remove a: cpus changed 2 -> 1  after [1]
      [3] create a: cpus changed 2 -> 1  after [2]
      [4] create b: new machine
      [5] start a: cpus changed 2 -> 1  after [3]
      [6] start b: new machine  after [4]
      "
    `);
  });
});

test('the plan says what krun chose for a network, where it makes or starts a machine on it', () => {
  const networks = {
    default: { driver: 'gvproxy', why: 'auto: it is installed' },
    other: { driver: 'tsi', why: 'auto: no other is' },
  } as const;
  const wanted = project([on('a')], { networks });
  expect(plan(up(wanted), observe([seen(on('a'))]))).toMatchInlineSnapshot(`
    "
    nothing to do
    "
  `);
  expect(plan(up(wanted))).toMatchInlineSnapshot(`
    "
    [1] create a: new machine
    [2] start a: new machine  after [1]
    note: network default: gvproxy (auto: it is installed)
    "
  `);
});

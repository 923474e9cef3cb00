import { describe, expect, test } from 'vitest';
import { canonicalJson, isSameMachine, LIVE_FIELDS, machineHash } from '../../../src/project/hash.ts';
import type { Machine } from '../../../src/project/project.ts';
import { tsi } from '../../support/definitions.ts';
import { machine } from '../plan/support.ts';

/** Another value for every field of a machine. */
const OTHER: Machine = {
  name: 'other',
  kind: 'task',
  cpus: 2,
  memoryMiB: 1024,
  root: { kind: 'directory', path: '/other' },
  build: { command: ['x'], inputs: [], directory: '/p', environment: {} },
  command: ['/bin/other'],
  environment: { A: 'b' },
  workingDir: '/srv',
  hostname: 'other',
  rlimits: [{ name: 'nofile', soft: 1, hard: 2 }],
  disks: [
    {
      source: { kind: 'file', path: '/x.img' },
      format: 'raw',
      readOnly: false,
      sync: 'full',
      directIo: false,
    },
  ],
  shares: [{ source: '/src', target: '/app', tag: 'app', readOnly: false, daxBytes: 0 }],
  ...tsi({ host: 8080, guest: 80, protocol: 'tcp' }),
  dependsOn: { db: { condition: 'started' } },
  restart: { policy: 'always' },
  stopSignal: 'SIGINT',
  stopGracePeriodMs: 1,
  bootTimeoutMs: 1000,
  agent: false,
  logs: { maxBytes: 1024, maxFiles: 1 },
  libkrun: { logLevel: 'trace' },
  helpers: { passt: '/x/passt' },
};

describe('the hash of a machine', () => {
  const before = machine('web');

  test.each(Object.keys(OTHER) as (keyof Machine)[])(
    'covers %s just if a change of it needs a new machine',
    (field) => {
      const after = { ...before, [field]: OTHER[field] };
      expect(machineHash(after) === machineHash(before)).toBe(Object.hasOwn(LIVE_FIELDS, field));
    },
  );

  test('does not depend on the order of keys', () => {
    const reversed = Object.fromEntries(Object.entries(before).toReversed()) as unknown as Machine;
    expect(machineHash(reversed)).toBe(machineHash(before));
  });

  test('survives a way through JSON', () => {
    expect(machineHash(JSON.parse(JSON.stringify(before)) as Machine)).toBe(machineHash(before));
  });

  test('stays what it is: a change of this value recreates the machines of every user', () => {
    expect(machineHash(before)).toMatchInlineSnapshot(
      `"1-8bb83e982e607c44ef91fdb0529b2092ddc676bda7620431d2101697397599a8"`,
    );
  });

  test('of an older version is computed again', () => {
    expect(isSameMachine({ hash: '0-old', definition: before }, machineHash(before))).toBe(true);
    expect(isSameMachine({ hash: '0-old', definition: before }, machineHash({ ...before, cpus: 2 }))).toBe(
      false,
    );
    expect(isSameMachine({ hash: '1-other', definition: before }, machineHash(before))).toBe(false);
  });
});

test('canonical JSON sorts keys at every depth and drops what is undefined', () => {
  expect(canonicalJson({ b: [{ d: 1, c: null }], a: undefined, A: 'x' })).toBe(
    '{"A":"x","b":[{"c":null,"d":1}]}',
  );
});

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
  user: 'www',
  tty: true,
  stdinOpen: true,
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
  secrets: [
    { name: 'a', source: { kind: 'content' }, target: '/run/secrets/a', uid: 0, gid: 0, mode: 0o444 },
  ],
  configs: [{ name: 'b', source: { kind: 'file', path: '/b' }, target: '/b', uid: 0, gid: 0, mode: 0o444 }],
  healthcheck: {
    probe: { kind: 'tcp', port: 80 },
    intervalMs: 1,
    timeoutMs: 1,
    startPeriodMs: 0,
    startIntervalMs: 1,
    retries: 1,
    liveness: true,
  },
  dependsOn: { db: { condition: 'started' } },
  restart: { policy: 'always' },
  stopSignal: 'SIGINT',
  stopGracePeriodMs: 1,
  stopCommand: ['/sbin/poweroff'],
  bootTimeoutMs: 1000,
  agent: false,
  logs: { maxBytes: 1024, maxFiles: 1 },
  libkrun: { logLevel: 'trace' },
  watch: [
    { path: '/p/src', action: 'restart', ignore: [], include: [], gitignore: false, initialSync: false },
  ],
  helpers: { passt: '/x/passt' },
  hidden: ['s3cret'],
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
      `"2-076a4c74cbe6af78231c2e250e9700580f0717747f16b2c2e0f117ce2f3c8963"`,
    );
  });

  test('of an older version is computed again', () => {
    expect(isSameMachine({ hash: '0-old', definition: before }, machineHash(before))).toBe(true);
    expect(isSameMachine({ hash: '0-old', definition: before }, machineHash({ ...before, cpus: 2 }))).toBe(
      false,
    );
    expect(isSameMachine({ hash: '2-other', definition: before }, machineHash(before))).toBe(false);
  });
});

test('canonical JSON sorts keys at every depth and drops what is undefined', () => {
  expect(canonicalJson({ b: [{ d: 1, c: null }], a: undefined, A: 'x' })).toBe(
    '{"A":"x","b":[{"c":null,"d":1}]}',
  );
});

import { describe, expect, test } from 'vitest';
import { differencesText, machineDifferences, needsRecreate } from '../../../src/plan/differences.ts';
import type { FileGrant, Healthcheck, Machine, Share, WatchRule } from '../../../src/project/project.ts';
import { machine, namedDisk } from './support.ts';
import { tsi } from '../../support/definitions.ts';

function told(before: Partial<Machine>, after: Partial<Machine>): string[] {
  return machineDifferences(machine('web', before), machine('web', after)).map(({ text }) => text);
}

const share: Share = { source: '/p/src', target: '/app', tag: 'app', readOnly: false, daxBytes: 0 };

const grant: FileGrant = {
  name: 'token',
  source: { kind: 'environment', variable: 'TOKEN' },
  target: '/run/secrets/token',
  uid: 0,
  gid: 0,
  mode: 0o444,
};

const health: Healthcheck = {
  probe: { kind: 'tcp', port: 80 },
  intervalMs: 10_000,
  timeoutMs: 3000,
  startPeriodMs: 0,
  startIntervalMs: 200,
  retries: 3,
  liveness: false,
};

const rule: WatchRule = {
  path: '/p/a',
  action: 'restart',
  ignore: [],
  include: [],
  gitignore: false,
  initialSync: false,
};

describe('a changed field is told in its own words', () => {
  test.each<[Partial<Machine>, Partial<Machine>, string[]]>([
    [{}, {}, []],
    [{}, { cpus: 4 }, ['cpus changed 1 -> 4']],
    [{}, { memoryMiB: 2048 }, ['memory changed 512 -> 2048 MiB']],
    [{ memoryMiB: 10_240 }, { memoryMiB: 20_480 }, ['memory changed 10 -> 20 GiB']],
    [{}, { kind: 'task' }, ['kind changed service -> task']],
    [{}, { command: ['/bin/app', 'token'] }, ['command changed']],
    [{}, { workingDir: '/srv' }, ['working_dir changed / -> /srv']],
    [{}, { root: { kind: 'directory', path: '/p/other' } }, ['root changed /p/web -> /p/other']],
    [
      {},
      { root: { kind: 'disk', disk: namedDisk('system'), device: '/dev/vda', fstype: 'ext4' } },
      ['root changed /p/web -> disk system (raw, writable, sync full; /dev/vda ext4)'],
    ],
    [
      {},
      {
        root: {
          kind: 'directory',
          path: '/p/web',
          readOnly: true,
          overlay: {
            files: [
              { path: 'motd', source: { kind: 'content', content: 'x' }, mode: 0o644, isOneShot: false },
            ],
            directories: [{ path: 'mnt', mode: 0o755 }],
          },
        },
      },
      ['root changed /p/web -> /p/web, read-only, with /mnt /motd'],
    ],
    [
      { boot: { kind: 'kernel', path: '/p/a', cmdline: 'token=a' }, root: { kind: 'none' } },
      {
        boot: { kind: 'kernel', path: '/p/b', format: 'elf', initrd: '/p/i', cmdline: 'token=b' },
        root: { kind: 'none' },
      },
      [
        'boot kernel changed /p/a -> /p/b',
        'boot format changed by contents -> elf',
        'boot initrd changed none -> /p/i',
        'boot cmdline changed',
      ],
    ],
    [{}, { boot: { kind: 'init', path: '/p/i' } }, ['boot changed bundled kernel -> init /p/i']],
    [
      { boot: { kind: 'firmware' } },
      { boot: { kind: 'firmware', path: '/f' } },
      ['boot changed firmware efi -> firmware /f'],
    ],
    [
      {},
      { nested: true, splitIrqchip: true, smbiosOemStrings: ['a'], teeConfig: '/t', hostUid: 1, hostGid: 0 },
      [
        'nested changed false -> true',
        'split_irqchip changed false -> true',
        'smbios added',
        'tee changed none -> /t',
        'uid changed unchanged -> 1',
        'gid changed unchanged -> 0',
      ],
    ],
    [{}, { build: { command: ['x'], inputs: [], directory: '/p', environment: {} } }, ['build added']],
    [
      { rlimits: [{ name: 'nofile', soft: 1024, hard: 4096 }] },
      {
        rlimits: [
          { name: 'nofile', soft: 1024, hard: -1 },
          { name: 'nproc', soft: 1, hard: 1 },
        ],
      },
      ['rlimit nofile changed 1024:4096 -> 1024:unlimited', 'rlimit nproc added'],
    ],
    [
      { disks: [namedDisk('a'), namedDisk('b')] },
      { disks: [namedDisk('b'), namedDisk('a')] },
      ['order of disks changed'],
    ],
    [
      { disks: [namedDisk('a')] },
      { disks: [namedDisk('a', { readOnly: true, directIo: true })] },
      ['disk a changed raw, writable, sync full -> raw, read-only, sync full, direct I/O'],
    ],
    [
      { shares: [share] },
      { shares: [{ ...share, readOnly: true, daxBytes: 1024 ** 2 }] },
      ['share /app changed /p/src, tag app -> /p/src, tag app, read-only, dax 1 MiB'],
    ],
    [
      {},
      tsi({ host: 8080, guest: 80, protocol: 'tcp' }),
      ['network default added', 'port 8080:80/tcp added'],
    ],
    [
      { dependsOn: { db: { condition: 'started' } } },
      { dependsOn: { db: { condition: 'completed_successfully' } } },
      ['dependency db changed started -> completed_successfully'],
    ],
    [{}, { restart: { policy: 'on-failure', maxRetries: 5 } }, ['restart changed no -> on-failure:5']],
    [{}, { stopGracePeriodMs: 90_000 }, ['stop_grace_period changed 10s -> 1m30s']],
    [{}, { logs: { maxBytes: 1, maxFiles: 1 } }, ['logs changed']],
    [{}, { libkrun: { logLevel: 'debug' } }, ['libkrun log level changed warn -> debug']],
    [{}, { agent: false }, ['agent changed true -> false']],
    [{}, { user: 'www-data' }, ['user changed root -> www-data']],
    [{}, { tty: true, stdinOpen: true }, ['tty changed false -> true', 'stdin_open changed false -> true']],
    [{}, { stopCommand: ['/sbin/poweroff'] }, ['stop_command changed']],
    [{}, { secrets: [grant] }, ['secret token at /run/secrets/token added']],
    [
      { secrets: [grant] },
      { secrets: [{ ...grant, mode: 0o400, source: { kind: 'file', path: '/p/t' } }] },
      ['secret token at /run/secrets/token changed variable TOKEN (0:0, 0444) -> /p/t (0:0, 0400)'],
    ],
    [
      { configs: [{ ...grant, source: { kind: 'content' } }] },
      {},
      ['config token at /run/secrets/token removed'],
    ],
    [{}, { healthcheck: health }, ['healthcheck added (tcp 80)']],
    [{ healthcheck: health }, {}, ['healthcheck removed']],
    [
      { healthcheck: health },
      {
        healthcheck: {
          ...health,
          probe: { kind: 'test', command: ['curl', '-u', 'token'] },
          intervalMs: 5000,
          retries: 5,
          liveness: true,
          hint: 'look',
        },
      },
      [
        'healthcheck changed tcp 80 -> test',
        'healthcheck interval changed 10s -> 5s',
        'healthcheck retries changed 3 -> 5',
        'healthcheck liveness changed false -> true',
        'healthcheck hint changed',
      ],
    ],
    [
      { healthcheck: { ...health, probe: { kind: 'log', pattern: 'a' } } },
      { healthcheck: { ...health, probe: { kind: 'log', pattern: 'b' } } },
      ['healthcheck log changed'],
    ],
    [
      { watch: [rule, { ...rule, path: '/p/b' }] },
      {
        watch: [
          { ...rule, ignore: ['x'] },
          { ...rule, action: 'rebuild' },
        ],
      },
      ['watch rule restart /p/a changed', 'watch rule restart /p/b removed', 'watch rule rebuild /p/a added'],
    ],
    [
      { watch: [rule, { ...rule, path: '/p/b' }] },
      { watch: [{ ...rule, path: '/p/b' }, rule] },
      ['order of watch rules changed'],
    ],
    [
      { dependsOn: { db: { condition: 'started' } } },
      { dependsOn: { db: { condition: 'healthy', restart: true, isOptional: true } } },
      ['dependency db changed started -> healthy, restart, not required'],
    ],
    [{ shares: [share] }, { shares: [{ ...share, notify: true }] }, ['share /app: notify turned on']],
  ])('case %#', (before, after, expected) => {
    expect(told(before, after)).toEqual(expected);
  });
});

test('a difference carries its place, or that of the list around it', () => {
  const origins = {
    'machines.web.cpus': 'krun.yaml:4',
    'machines.web.environment': 'krun.yaml:5',
    'machines.web.environment.A': 'krun.yaml:6',
  };
  const after = machine('web', { cpus: 2, environment: { A: '1', B: '2' } });
  expect(machineDifferences(machine('web'), after, origins).map(({ text }) => text)).toEqual([
    'cpus changed 1 -> 2 (krun.yaml:4)',
    'environment A added (krun.yaml:6)',
    'environment B added (krun.yaml:5)',
  ]);
});

test('only the first three differences are named in one line', () => {
  const after = machine('web', { cpus: 2, memoryMiB: 1024, workingDir: '/x', hostname: 'y', agent: false });
  expect(differencesText(machineDifferences(machine('web'), after))).toBe(
    'cpus changed 1 -> 2, memory changed 512 -> 1024 MiB, working_dir changed / -> /x and 2 more',
  );
});

test('what krun does beside the guest needs no new machine, and what the guest was told does', () => {
  const before = machine('web', { shares: [share] });
  const after = machine('web', {
    shares: [{ ...share, notify: true }],
    healthcheck: health,
    watch: [rule],
    stopCommand: ['x'],
    user: 'www',
    secrets: [grant],
    tty: true,
  });
  const differences = machineDifferences(before, after);
  expect(differences.filter(needsRecreate).map(({ field }) => field)).toEqual(['user', 'tty', 'secrets']);
});

test('what is read only at the next event needs no new machine', () => {
  const after = machine('web', { cpus: 2, restart: { policy: 'always' } });
  const differences = machineDifferences(machine('web'), after);
  expect(differences.filter(needsRecreate).map(({ field }) => field)).toEqual(['cpus']);
});

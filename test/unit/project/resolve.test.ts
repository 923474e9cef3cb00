import { describe, expect, test } from 'vitest';
import { only, resolveText, web, webFile } from './support.ts';

describe('a machine with nothing but root and command', () => {
  test('gets every default', () => {
    expect(web()).toEqual({
      name: 'web',
      kind: 'service',
      cpus: 1,
      memoryMiB: 512,
      root: { kind: 'directory', path: '/p/rootfs' },
      command: ['/bin/app'],
      environment: {},
      workingDir: '/',
      tty: false,
      stdinOpen: false,
      hostname: 'web',
      rlimits: [],
      disks: [],
      shares: [],
      networks: [
        {
          network: {
            driver: 'gvproxy',
            name: 'default',
            subnet: '192.168.127.0/24',
            mtu: 1500,
            offloading: false,
            hostAccess: true,
            dns: [],
            dnsSearch: [],
          },
          mac: 'ea:21:1d:c8:f2:a5',
          aliases: [],
        },
      ],
      ports: [],
      helpers: {},
      secrets: [],
      configs: [],
      watch: [],
      stopCommand: [],
      dependsOn: {},
      restart: { policy: 'no' },
      stopSignal: 'SIGTERM',
      stopGracePeriodMs: 10_000,
      bootTimeoutMs: 60_000,
      agent: true,
      logs: { maxBytes: 10 * 1024 ** 2, maxFiles: 3 },
      libkrun: { logLevel: 'warn' },
    });
  });

  test('is a project without a word of complaint', () => {
    const { project, diagnostics } = resolveText(webFile());
    expect(diagnostics).toEqual([]);
    expect(project).toMatchObject({ name: 'shop', directory: '/p', files: ['/p/krun.yaml'], disks: {} });
  });
});

describe('a field in its author form becomes one shape', () => {
  test.each<[string, object]>([
    ['cpus: 4', { cpus: 4 }],
    ['cpus: "4"', { cpus: 4 }],
    ['memory: 1g', { memoryMiB: 1024 }],
    ['memory: 1.5GiB', { memoryMiB: 1536 }],
    ['entrypoint: /sbin/tini --', { command: ['/sbin/tini', '--', '/bin/app'] }],
    ['environment: { B: 1, A: "x", T: true }', { environment: { A: 'x', B: '1', T: 'true' } }],
    ['environment: [A=b=c, E=]', { environment: { A: 'b=c', E: '' } }],
    ['environment: [HOME]', { environment: { HOME: '/home/u' } }],
    ['working_dir: /srv//www/', { workingDir: '/srv/www' }],
    ['hostname: api.example', { hostname: 'api.example' }],
    ['kind: task', { kind: 'task' }],
    ['restart: on-failure', { restart: { policy: 'on-failure' } }],
    ['restart: on-failure:5', { restart: { policy: 'on-failure', maxRetries: 5 } }],
    ['stop_signal: int', { stopSignal: 'SIGINT' }],
    ['stop_signal: "9"', { stopSignal: 'SIGKILL' }],
    ['stop_grace_period: 1m30s', { stopGracePeriodMs: 90_000 }],
    ['boot_timeout: 90s', { bootTimeoutMs: 90_000 }],
    ['agent: "false"', { agent: false }],
    ['logs: { max_size: 64k, max_files: 5 }', { logs: { maxBytes: 65_536, maxFiles: 5 } }],
    [
      'rlimits: { nproc: 64, nofile: { soft: 1024, hard: -1 } }',
      {
        rlimits: [
          { name: 'nofile', soft: 1024, hard: -1 },
          { name: 'nproc', soft: 64, hard: 64 },
        ],
      },
    ],
    ['user: 1000', { user: '1000' }],
    ['user: www-data:0033', { user: 'www-data:33' }],
    ['tty: true', { tty: true, stdinOpen: false }],
    ['stdin_open: "true"', { tty: false, stdinOpen: true }],
    ['stop_command: /bin/app quit', { stopCommand: ['/bin/app', 'quit'] }],
    ['networks: []', { networks: [], ports: [] }],
    [
      'build: { command: ./mk.sh -x, inputs: [mk.sh, "files/**"] }',
      {
        build: {
          command: ['./mk.sh', '-x'],
          inputs: ['/p/mk.sh', '/p/files/**'],
          directory: '/p',
          environment: {},
        },
      },
    ],
  ])('%s', (line, expected) => {
    expect(web(line)).toMatchObject(expected);
  });

  test.each<[string, object]>([
    ['root: { path: ~/rootfs }', { kind: 'directory', path: '/home/u/rootfs' }],
    ['root: /abs', { kind: 'directory', path: '/abs' }],
    [
      'root: { disk: ./alpine.qcow2, device: /dev/vda2, options: noatime }',
      {
        kind: 'disk',
        disk: {
          source: { kind: 'file', path: '/p/alpine.qcow2' },
          format: 'qcow2',
          readOnly: false,
          sync: 'full',
          directIo: false,
        },
        device: '/dev/vda2',
        options: 'noatime',
      },
    ],
  ])('%s', (line, root) => {
    const file = `machines:\n  web:\n    ${line}\n    command: [x]\n`;
    expect(only(resolveText(file)).root).toEqual(root);
  });

  test('a root on a disk of the project has the file system that the disk was made with', () => {
    const file = `machines: { web: { root: { disk: system }, command: [x] } }\ndisks: { system: { size: 1GiB, fstype: xfs } }\n`;
    expect(only(resolveText(file)).root).toMatchObject({ device: '/dev/vda', fstype: 'xfs' });
  });
});

describe('shares', () => {
  test('have short and long forms, and are in mount order', () => {
    expect(web('shares: [./b:/app/node, "./a:/app:ro", { source: /x, tag: raw, dax: 1MiB }]').shares).toEqual(
      [
        { source: '/p/a', target: '/app', tag: 'app', readOnly: true, daxBytes: 0 },
        { source: '/p/b', target: '/app/node', tag: 'app.node', readOnly: false, daxBytes: 0 },
        { source: '/x', tag: 'raw', readOnly: false, daxBytes: 1024 ** 2 },
      ],
    );
  });

  test.each([
    ['/app', 'app'],
    ['/app/src', 'app.src'],
    ['/app.src', 'app.src-e82b0682'],
    ['/a b', 'a-b-73c9c45d'],
    [`/${'x'.repeat(36)}`, 'x'.repeat(36)],
    [`/${'x'.repeat(37)}`, `${'x'.repeat(27)}-4fcd7ac7`],
  ])('mounted at %s have a tag of their own', (target, expected) => {
    const tag = web(`shares: [{ source: ./a, target: "${target}" }]`).shares[0]?.tag ?? '';
    expect(tag).toBe(expected);
    expect(Buffer.byteLength(tag)).toBeLessThanOrEqual(36);
  });
});

describe('disks', () => {
  const file = `
machines:
  web:
    root: ./r
    command: [x]
    disks: [data, ./seed.vmdk, { source: /x.img, readonly: true, sync: none, direct_io: true }]
disks:
  data: { size: 1.5GiB, format: qcow2, fstype: ext4, protect: true }
`;

  test('are names, paths or long forms, in the order of the file', () => {
    const plain = { readOnly: false, sync: 'full', directIo: false };
    expect(only(resolveText(file)).disks).toEqual([
      { source: { kind: 'named', name: 'data' }, format: 'qcow2', ...plain },
      { source: { kind: 'file', path: '/p/seed.vmdk' }, format: 'vmdk', ...plain },
      {
        source: { kind: 'file', path: '/x.img' },
        format: 'raw',
        readOnly: true,
        sync: 'none',
        directIo: true,
      },
    ]);
  });

  test('of the project have whole sectors', () => {
    expect(resolveText(file).project?.disks).toEqual({
      data: { name: 'data', sizeBytes: 1.5 * 1024 ** 3, format: 'qcow2', fstype: 'ext4', protect: true },
    });
    const odd = resolveText(`${webFile()}disks: { odd: { size: 5000B } }\n`).project?.disks['odd'];
    expect(odd?.sizeBytes).toBe(8192);
  });
});

describe('profiles', () => {
  const file = `
machines:
  web: { root: ./r, command: [x] }
  debug: { root: ./r, command: [x], profiles: [debug, all] }
  trace: { root: ./r, command: [x], profiles: [debug] }
  other: { root: ./r, command: [x], profiles: [other] }
`;

  test.each<[string, string[], string[], string[]]>([
    ['none', [], [], ['web']],
    ['an active one', ['debug'], [], ['debug', 'trace', 'web']],
    ['all', ['*'], [], ['debug', 'other', 'trace', 'web']],
    ['those of a named machine', [], ['debug'], ['debug', 'trace', 'web']],
  ])('%s', (_, profiles, named, enabled) => {
    const { project } = resolveText(file, { profiles, named });
    expect(Object.keys(project?.machines ?? {})).toEqual(enabled);
    const disabled = ['debug', 'other', 'trace'].filter((name) => !enabled.includes(name));
    expect(project?.disabledMachines).toEqual(disabled);
  });
});

test('origins are the lines of keys, list items and the names that items stand for', () => {
  const file = `name: shop
machines:
  web:
    root: ./r
    command: [x]
    memory: 1GiB
    environment:
      - A=1
      - B=2
    depends_on:
      - db
    ports:
      - "8080:80"
  db:
    root: ./r
    command: [x]
    disks:
      - data
disks:
  data:
    size: 1GiB
`;
  const { project } = resolveText(file);
  expect(project?.origins).toMatchObject({
    name: 'krun.yaml:1',
    'machines.web': 'krun.yaml:3',
    'machines.web.memory': 'krun.yaml:6',
    'machines.web.environment': 'krun.yaml:7',
    'machines.web.environment.B': 'krun.yaml:9',
    'machines.web.depends_on.db': 'krun.yaml:11',
    'machines.web.ports.8080:80/tcp': 'krun.yaml:13',
    'machines.db.disks.data': 'krun.yaml:18',
    'disks.data.size': 'krun.yaml:21',
  });
});

test('names that JavaScript objects have by birth are ordinary names', () => {
  const { project, text } = resolveText(`
machines:
  constructor: { root: ./r, command: [x], environment: { toString: a }, depends_on: [valueof] }
  valueof: { root: ./r, command: [x] }
`);
  expect(text).toBe('\n\n');
  expect(project?.machines['constructor']).toMatchObject({ environment: { toString: 'a' } });
});

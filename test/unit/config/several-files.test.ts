import { describe, expect, test } from 'vitest';
import { load, textOf } from './support/load.ts';

const web = (more: string): string => `machines:\n  web:\n    root: ./rootfs\n    command: [sh]\n${more}`;

async function machineOf(files: Readonly<Record<string, string>>, request: Parameters<typeof load>[1] = {}) {
  const result = await load(files, request);
  expect(textOf(result)).toBe('');
  const machine = result.project?.machines['web'];
  if (!machine) throw new Error('no machine');
  return machine;
}

describe('extends', () => {
  const common = [
    'machines:',
    '  base:',
    '    root: ./r',
    '    command: [base]',
    '    environment: { A: base, B: base }',
    '    env_file: base.env',
    '    shares: ["./s:/s", "/abs:/abs"]',
    '  middle:',
    '    extends: base',
    '    environment: { B: middle }',
    '',
  ].join('\n');
  const lib = {
    '/lib/common.yaml': common,
    '/lib/base.env': 'F=lib\n',
    '/lib/r/': '',
    '/lib/s/': '',
    '/abs/': '',
  };

  test('takes a machine of the same file, key by key', async () => {
    const machine = await machineOf({
      '/p/krun.yaml':
        'machines:\n  base: { root: ./rootfs, command: [a], environment: { A: 1 }, profiles: [never] }\n  web: { extends: base, command: [b], environment: { B: 2 }, profiles: !reset [] }\n',
    });
    expect(machine).toMatchObject({ command: ['b'], environment: { A: '1', B: '2' } });
  });

  test('takes a machine of another file with its own bases, its paths relative to that file', async () => {
    const machine = await machineOf({
      ...lib,
      '/p/krun.yaml':
        'machines:\n  web:\n    extends: { file: ../lib/common.yaml, machine: middle }\n    shares: ["./rootfs:/own"]\n',
    });
    expect(machine).toMatchObject({
      root: { path: '/lib/r' },
      command: ['base'],
      environment: { A: 'base', B: 'middle', F: 'lib' },
    });
    expect(machine.shares.map(({ source, target }) => `${source} ${target}`)).toEqual([
      '/abs /abs',
      '/p/rootfs /own',
      '/lib/s /s',
    ]);
  });

  test('finds a machine that an earlier file or an include brings', async () => {
    const files = {
      '/p/krun.yaml':
        'include: [inc.yaml]\nmachines:\n  base: { root: ./rootfs, command: [base] }\n  web: { extends: included }\n',
      '/p/inc.yaml': 'machines:\n  included: { root: ./rootfs, command: [inc] }\n',
      '/p/krun.override.yaml': 'machines:\n  late: { extends: base, command: [late] }\n',
    };
    const { project } = await load(files);
    expect(project?.machines['web']?.command).toEqual(['inc']);
    expect(project?.machines['late']?.command).toEqual(['late']);
  });

  test('a cycle through two files is told with every step', async () => {
    const result = await load({
      '/p/krun.yaml': 'machines:\n  web: { extends: { file: b.yaml, machine: x } }\n',
      '/p/b.yaml': 'machines:\n  x: { extends: { file: krun.yaml, machine: web } }\n',
    });
    expect(textOf(result)).toBe(
      [
        'krun.yaml:2:44: error: machines extend each other: web -> x -> web',
        ' 2 |   web: { extends: { file: b.yaml, machine: x } }',
        '   |                                            ^',
        'b.yaml:2:45: note: `x` extends here',
        ' 2 |   x: { extends: { file: krun.yaml, machine: web } }',
        '   |                                             ^~~',
        '',
        '1 error',
        '',
      ].join('\n'),
    );
  });
});

describe('include', () => {
  test('brings machines with their own directory and env file; the outer environment wins', async () => {
    const { project, diagnostics } = await load(
      {
        '/p/krun.yaml': `include: [infra/krun.yaml]\n${web('    depends_on: [db]\n')}`,
        '/p/.env': 'SHARED=outer\n',
        '/p/infra/krun.yaml':
          'name: ignored\nx-own: 1\nmachines:\n  db: { root: ./db, command: [sh], env_file: db.env, environment: ["S=${SHARED}", "O=${OWN}"] }\ndisks: { data: { size: 1GiB } }\n',
        '/p/infra/.env': 'SHARED=inner\nOWN=inner\n',
        '/p/infra/db.env': 'F=1\n',
        '/p/infra/db/': '',
      },
      {},
    );
    expect(diagnostics).toEqual([]);
    expect(project?.name).toBe('p');
    expect(project?.machines['db']).toMatchObject({
      root: { path: '/p/infra/db' },
      environment: { F: '1', O: 'inner', S: 'outer' },
    });
    expect(Object.keys(project?.disks ?? {})).toEqual(['data']);
  });

  test('can merge several files and say where they live', async () => {
    const { project, diagnostics } = await load({
      '/p/krun.yaml': `include:\n  - path: [i/a.yaml, i/b.yaml]\n    project_directory: .\n    env_file: i/own.env\n${web('')}`,
      '/p/i/a.yaml': 'machines:\n  db: { root: ./rootfs, command: ["${CMD}"], cpus: 1 }\n',
      '/p/i/b.yaml': 'machines:\n  db: { cpus: 2 }\n',
      '/p/i/own.env': 'CMD=run\n',
    });
    expect(diagnostics).toEqual([]);
    expect(project?.machines['db']).toMatchObject({ cpus: 2, command: ['run'], root: { path: '/p/rootfs' } });
  });

  test('twice over two ways is no conflict', async () => {
    const result = await load({
      '/p/krun.yaml': `include: [a.yaml, b.yaml]\n${web('')}`,
      '/p/a.yaml': 'include: [c.yaml]\n',
      '/p/b.yaml': 'include: [c.yaml]\n',
      '/p/c.yaml': 'machines:\n  db: { root: ./rootfs, command: [sh] }\n',
    });
    expect(textOf(result)).toBe('');
    expect(Object.keys(result.project?.machines ?? {})).toEqual(['db', 'web']);
  });

  test('lets the override file change an included machine', async () => {
    const { project } = await load({
      '/p/krun.yaml': `include: [a.yaml]\n${web('')}`,
      '/p/a.yaml': 'machines:\n  db: { root: ./rootfs, command: [sh], cpus: 1 }\n',
      '/p/krun.override.yaml': 'machines:\n  db: { cpus: 3 }\n',
    });
    expect(project?.machines['db']?.cpus).toBe(3);
  });

  test('a long cycle is told with every step', async () => {
    const result = await load({
      '/p/krun.yaml': `include: [a.yaml]\n${web('')}`,
      '/p/a.yaml': 'include: [b.yaml]\n',
      '/p/b.yaml': 'include: [a.yaml]\n',
    });
    expect(textOf(result)).toMatch(
      /^b\.yaml:1:11: error: files include each other: a\.yaml -> b\.yaml -> a\.yaml\n/,
    );
    expect(textOf(result)).toMatch(/\na\.yaml:1:11: note: included here\n/);
  });
});

describe('secrets, health checks and rules of several files', () => {
  test('come together, their paths relative to their own files', async () => {
    const result = await load({
      '/p/krun.yaml':
        'include: [../lib/krun.yaml]\nmachines:\n  web:\n    extends: { file: ../lib/base.yaml, machine: base }\n    secrets: [{ source: token, target: /run/secrets/key }]\n    healthcheck: { http: "http://:80/" }\n    develop: { watch: [{ path: ./rootfs, action: restart }] }\n',
      '/p/.env': 'TOKEN=s3cret\n',
      '/lib/krun.yaml':
        'machines: { other: { root: ./r, command: a, configs: [app] } }\nsecrets: { key: { file: ./key }, token: { environment: TOKEN } }\nconfigs: { app: { content: "x" } }\n',
      '/lib/base.yaml':
        'machines:\n  base:\n    root: ./r\n    command: a\n    secrets: [key, token]\n    healthcheck: { tcp: 80, interval: 5s }\n    develop: { watch: [{ path: ./r, action: restart }] }\n',
      '/lib/key': 'k',
      '/lib/r/': '',
    });
    expect(textOf(result)).toBe('');
    const { web: machine, other } = result.project?.machines ?? {};
    expect(machine?.secrets.map(({ name, target }) => `${name} ${target}`)).toEqual([
      'token /run/secrets/key',
      'token /run/secrets/token',
    ]);
    expect(machine?.healthcheck).toMatchObject({ probe: { kind: 'http' }, intervalMs: 5000 });
    expect(machine?.watch.map(({ path }) => path)).toEqual(['/lib/r', '/p/rootfs']);
    expect(other?.configs[0]?.source).toEqual({ kind: 'content' });
    expect(result.grantValues).toEqual({ 'configs/app': 'x', 'secrets/token': 's3cret' });
  });

  test('have the place of a file in an included one', async () => {
    const result = await load({
      '/p/krun.yaml':
        'include: [../lib/krun.yaml]\nmachines:\n  web: { root: ./rootfs, command: a, secrets: [key] }\n',
      '/lib/krun.yaml':
        'machines: { other: { root: ./r, command: a } }\nsecrets: { key: { file: ./none } }\n',
      '/lib/r/': '',
    });
    expect(textOf(result)).toContain('/lib/krun.yaml:2:25: error: secret file `../lib/none` does not exist');
  });
});

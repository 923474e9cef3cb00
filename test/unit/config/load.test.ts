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

describe('the name of a project', () => {
  test.each<[string, Record<string, string>, Parameters<typeof load>[1], string]>([
    [
      '-p comes first',
      { '/p/krun.yaml': `name: file\n${web('')}` },
      { projectName: 'given', environment: { KRUN_PROJECT_NAME: 'env' } },
      'given',
    ],
    [
      'then KRUN_PROJECT_NAME',
      { '/p/krun.yaml': `name: file\n${web('')}` },
      { environment: { KRUN_PROJECT_NAME: 'env' } },
      'env',
    ],
    [
      'then the last file with a name',
      { '/p/krun.yaml': `name: file\n${web('')}`, '/p/krun.override.yaml': 'name: over\n' },
      {},
      'over',
    ],
    [
      'whose name may hold a variable',
      { '/p/krun.yaml': `name: shop-\${STAGE:-dev}\n${web('')}` },
      { environment: { STAGE: 'x' } },
      'shop-x',
    ],
    ['then the directory', { '/p/krun.yaml': web('') }, {}, 'p'],
  ])('%s', async (_name, files, request, expected) => {
    expect((await load(files, request)).project?.name).toBe(expected);
  });

  test('of a directory is brought into form', async () => {
    const files = { '/q/_My Shop.2/krun.yaml': web(''), '/q/_My Shop.2/rootfs/': '' };
    expect((await load(files, { workingDirectory: '/q/_My Shop.2' })).project?.name).toBe('myshop2');
  });

  test('is asked for where the directory has none', async () => {
    const result = await load({ '/世界/krun.yaml': web('') }, { workingDirectory: '/世界' });
    expect(textOf(result)).toMatch(
      /^error: no project name can be made of the directory `\/世界`\nhint: set `name:`/,
    );
  });

  test('can be used in the file', async () => {
    const machine = await machineOf({
      '/p/krun.yaml': `name: shop\n${web('    hostname: ${KRUN_PROJECT_NAME}-web\n')}`,
    });
    expect(machine.hostname).toBe('shop-web');
  });
});

describe('environment', () => {
  test('of a machine wins over its env files, and later files over earlier ones', async () => {
    const machine = await machineOf(
      {
        '/p/krun.yaml': web(
          '    env_file: [a.env, { path: b.env, format: raw }, { path: c.env, required: false }]\n    environment: { C: file }\n',
        ),
        '/p/a.env': 'A=a\nB=a\nC=a\nD="$OUTER"\n',
        '/p/b.env': 'B="b"\nC=b\n',
      },
      { environment: { OUTER: 'out' } },
    );
    expect(machine.environment).toEqual({ A: 'a', B: '"b"', C: 'file', D: 'out' });
  });

  test('keeps the spelling of numbers and booleans', async () => {
    const machine = await machineOf({
      '/p/krun.yaml': web('    environment: { A: 1.10, B: 0x1F, C: true, D: "", E: 0755 }\n'),
    });
    expect(machine.environment).toEqual({ A: '1.10', B: '0x1F', C: 'true', D: '', E: '0755' });
  });

  test('inherits a name without value, from the shell before .env, and drops it where it is in neither', async () => {
    const machine = await machineOf(
      {
        '/p/krun.yaml': web('    environment: [SHELL_ONE, FILE_ONE, BOTH, NEITHER]\n'),
        '/p/.env': 'FILE_ONE=f\nBOTH=f\n',
      },
      { environment: { SHELL_ONE: 's', BOTH: 's' } },
    );
    expect(machine.environment).toEqual({ BOTH: 's', FILE_ONE: 'f', SHELL_ONE: 's' });
  });

  test('without value hides what an env file says', async () => {
    const machine = await machineOf({
      '/p/krun.yaml': web('    env_file: a.env\n    environment: { A: }\n'),
      '/p/a.env': 'A=a\nB=b\n',
    });
    expect(machine.environment).toEqual({ B: 'b' });
  });

  test('mistakes in an env file are shown there', async () => {
    const result = await load({ '/p/krun.yaml': web('    env_file: a.env\n'), '/p/a.env': 'A=1\nB C\n' });
    expect(textOf(result)).toMatch(/^a\.env:2:3: error: `=` is missing after `B`\n 2 \| B C/);
  });
});

describe('mistakes', () => {
  test('in .env that are unset variables are told', async () => {
    const result = await load({ '/p/krun.yaml': web('    hostname: ${NAME}\n'), '/p/.env': 'NAME=$NONE\n' });
    expect(result.diagnostics.map(({ message }) => message)).toEqual(['variable `NONE` is not set']);
    expect(result.project).toBeUndefined();
  });

  test('in .env are told with all others, and what it may have set is not told as unset', async () => {
    const result = await load({
      '/p/krun.yaml': web('    memroy: 1GiB\n    hostname: ${NAME}\n'),
      '/p/.env': 'NAME="x\n',
    });
    expect(result.diagnostics.map(({ message }) => message)).toEqual([
      'unknown key `memroy` in `machines.web`',
      'the closing " is missing',
    ]);
    expect(result.project).toBeUndefined();
  });

  test('of meaning are told together with those of form, also in the same machine', async () => {
    const result = await load({
      '/p/krun.yaml': `${web('    memroy: 1GiB\n    depends_on: [nope]\n    disks: [lost]\n')}  b: { root: ./rootfs }\n`,
    });
    expect(result.diagnostics.map(({ message }) => message)).toEqual([
      'unknown key `memroy` in `machines.web`',
      'there is no machine `nope`',
      'there is no disk `lost`',
      'machine `b` has no command',
    ]);
  });

  test.each<[string, string, string]>([
    [
      'a machine with a bad name, on which another depends',
      `${web('    depends_on: ["Db"]\n')}  Db: { root: ./rootfs, command: a }\n`,
      '"Db" is not a name that `machines` can have',
    ],
    [
      'a machine that is no map, on which another depends',
      `${web('    depends_on: [db]\n')}  db: 5\n`,
      '`machines.db` must be a map with at least `root`, not the number 5',
    ],
    [
      'a list of disks that is none, and a machine that names one',
      `${web('    disks: [data]\n')}disks: 5\n`,
      '`disks` must be a map from names to disks, not the number 5',
    ],
    [
      'a misspelt section',
      `${web('    disks: [data]\n')}diks: { data: { size: 1GiB } }\n`,
      'unknown key `diks`',
    ],
    [
      'a disk with a bad size',
      `${web('    disks: [data]\n')}disks: { data: { size: many } }\n`,
      '`disks.data.size` cannot be "many"',
    ],
    [
      'a key that another one needs',
      web('    agent: maybe\n    shares: [./rootfs:/a]\n'),
      '`machines.web.agent` cannot be "maybe"',
    ],
  ])('%s is one mistake', async (_name, text, message) => {
    const result = await load({ '/p/krun.yaml': text });
    expect(result.diagnostics.map((diagnostic) => diagnostic.message)).toEqual([message]);
  });

  test('of several stages are told together, in the order of the file', async () => {
    const result = await load({
      '/p/krun.yaml': web(
        '    memroy: 1GiB\n    cpus: ${NONE}\n    shares: [{ source: ./rootfs, target: /a, exclude: [x] }]\n    restart: maybe\n',
      ),
    });
    expect(result.diagnostics.map(({ code }) => code)).toEqual([
      'unknown-key',
      'unset-variable',
      'not-supported-yet',
      'invalid-value',
    ]);
    expect(result.project).toBeUndefined();
  });

  test('in two files are told file by file, in merge order', async () => {
    const result = await load({
      '/p/krun.yaml': web('    cpus: x\n'),
      '/p/krun.override.yaml': 'machines:\n  web:\n    memory: 5\n',
      '/p/a.env': '',
    });
    expect(result.diagnostics.map(({ span }) => span?.file)).toEqual([
      '/p/krun.yaml',
      '/p/krun.override.yaml',
    ]);
  });

  test('in two broken files are both told', async () => {
    const result = await load({ '/p/krun.yaml': 'a: b: c\n', '/p/krun.override.yaml': 'a: [\n' });
    expect(result.diagnostics.map(({ code }) => code)).toEqual(['yaml-syntax', 'yaml-syntax']);
  });

  test('in a file from standard input are shown under its name', async () => {
    const stdin = new TextEncoder().encode(web('    cpu: 1\n'));
    const result = await load({}, { files: ['-'], stdin });
    expect(textOf(result)).toMatch(/^<stdin>:5:5: error: unknown key `cpu`/);
  });

  test('about paths are told where the path is written', async () => {
    const result = await load({
      '/p/krun.yaml': web(
        '    shares: ["./none:/x", { source: ./file, target: /y }]\n    disks: [./none.img, ./rootfs]\n',
      ),
      '/p/file': '',
    });
    expect(
      result.diagnostics.map(
        ({ message, span }) =>
          `${message} | ${result.texts.get('/p/krun.yaml')?.slice(span?.start, span?.end)}`,
      ),
    ).toEqual([
      'shared directory `none` does not exist | "./none:/x"',
      'shared directory `file` is not a directory | ./file',
      'disk image `none.img` does not exist | ./none.img',
      'disk image `rootfs` is a directory, not a file | ./rootfs',
    ]);
  });

  test('about programs are told where the file names them, and only for drivers that it has', async () => {
    const text = `${web('')}helpers: { gvproxy: ./gvproxy, passt: ./passt }\n`;
    expect(textOf(await load({ '/p/krun.yaml': text }))).toMatchInlineSnapshot(`
      "krun.yaml:5:21: error: program \`gvproxy\` does not exist
       5 | helpers: { gvproxy: ./gvproxy, passt: ./passt }
         |                     ^~~~~~~~~
      hint: correct the path, or remove it and krun looks in PATH and where packages put gvproxy

      1 error
      "
    `);
    expect(textOf(await load({ '/p/krun.yaml': text, '/p/gvproxy': '' }))).toBe('');
  });

  test('a root that a build makes may be missing', async () => {
    const text = 'machines:\n  web: { root: ./made, command: [sh], build: { command: ./make.sh } }\n';
    expect(textOf(await load({ '/p/krun.yaml': text }))).toBe('');
  });
});

describe('profiles', () => {
  test('of a machine decide whether its env files have to exist', async () => {
    const files = {
      '/p/krun.yaml': `${web('')}  dbg: { root: ./rootfs, command: [sh], profiles: [debug], env_file: none.env }\n`,
    };
    expect(textOf(await load(files))).toBe('');
    expect(textOf(await load(files, { profiles: ['debug'] }))).toMatch(/there is no env file `none\.env`/);
  });

  const text =
    'machines:\n  web: { root: ./rootfs, command: [sh] }\n  dbg: { root: ./rootfs, command: [sh], profiles: [debug] }\n';

  test.each<[string, Parameters<typeof load>[1], string[]]>([
    ['none', {}, ['web']],
    ['--profile', { profiles: ['debug'] }, ['dbg', 'web']],
    ['KRUN_PROFILES', { environment: { KRUN_PROFILES: 'x, debug' } }, ['dbg', 'web']],
    [
      '--profile instead of KRUN_PROFILES',
      { profiles: ['x'], environment: { KRUN_PROFILES: 'debug' } },
      ['web'],
    ],
    ['a machine that is named', { named: ['dbg'] }, ['dbg', 'web']],
  ])('%s', async (_name, request, expected) => {
    const { project } = await load({ '/p/krun.yaml': text }, request);
    expect(Object.keys(project?.machines ?? {})).toEqual(expected);
  });
});

describe('networks', () => {
  test('and programs may be those of an included file, with paths of their own', async () => {
    const machine = await machineOf({
      '/p/krun.yaml': `include: [lib/krun.yaml]\n${web('    networks: [wire]\n')}`,
      '/p/lib/krun.yaml': [
        'machines: { other: { root: ./r, command: [sh], networks: [] } }',
        'networks: { wire: { driver: unixstream, socket: ./s.sock } }',
        'helpers: { gvproxy: ./bin/gvproxy }\n',
      ].join('\n'),
      '/p/lib/r/': '',
    });
    expect(machine.helpers).toEqual({ gvproxy: '/p/lib/bin/gvproxy' });
    expect(machine.networks[0]?.network).toMatchObject({ socket: '/p/lib/s.sock' });
  });

  test('are merged key by key, and those of a machine whatever their form', async () => {
    const machine = await machineOf({
      '/p/krun.yaml': `${web('    networks: [back]\n')}networks: { back: { dns: [1.1.1.1] } }\n`,
      '/p/krun.override.yaml':
        'machines: { web: { networks: { back: { ip: 10.0.0.9 } } } }\nnetworks: { back: { subnet: 10.0.0.0/24 } }\n',
    });
    expect(machine.networks).toMatchObject([
      { ip: '10.0.0.9', network: { dns: ['1.1.1.1'], subnet: '10.0.0.0/24' } },
    ]);
  });

  test('of a project under another name have interfaces of their own', async () => {
    const files = { '/p/krun.yaml': web('') };
    const macs = [
      await machineOf(files),
      await machineOf(files, { projectName: 'copy' }),
      await machineOf({ '/p/krun.yaml': `name: renamed\n${web('')}` }),
    ].map(({ networks }) => networks[0]?.mac);
    expect(macs[1]).not.toBe(macs[0]);
    expect(macs[2]).toBe(macs[0]);
  });
});

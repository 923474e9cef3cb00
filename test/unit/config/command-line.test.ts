import { expect, test } from 'vitest';
import type { MachineOverrides } from '../../../src/config/command-line.ts';
import { load, textOf } from './support/load.ts';

const FILE = `machines:
  web:
    root: ./rootfs
    entrypoint: [/bin/app]
    command: [serve]
    environment: { A: file, B: file }
    ports: ['8080:80']
    shares: ['./src:/app']
    working_dir: /app
  db:
    root: ./rootfs
    command: [db]
    ports: ['5432:5432']
`;
const NOTHING: MachineOverrides = {
  environment: {},
  shares: [],
  ports: [],
  keepsPorts: false,
  command: [],
};

async function machineWith(overrides: Partial<MachineOverrides>) {
  const result = await load(
    { '/p/krun.yaml': FILE, '/p/src/': '', '/data/': '' },
    { overrides: { machine: 'web', ...NOTHING, ...overrides } },
  );
  const machine = result.project?.machines['web'];
  return machine ?? textOf(result);
}

test('a command line without options takes the published ports away and nothing else', async () => {
  expect(await machineWith({})).toMatchObject({
    command: ['/bin/app', 'serve'],
    environment: { A: 'file', B: 'file' },
    ports: [],
    workingDir: '/app',
  });
  expect(await machineWith({ keepsPorts: true })).toMatchObject({ ports: [{ host: 8080, guest: 80 }] });
});

test('variables, shares, ports, user and directory come from the command line', async () => {
  const machine = await machineWith({
    environment: { B: '${NOT} a variable', C: 'new' },
    shares: ['/data:/data:ro'],
    ports: ['9090:80'],
    user: '1000:1000',
    workingDir: '/srv',
  });
  expect(machine).toMatchObject({
    environment: { A: 'file', B: '${NOT} a variable', C: 'new' },
    shares: [
      { source: '/p/src', target: '/app' },
      { source: '/data', target: '/data', readOnly: true },
    ],
    ports: [{ host: 9090, guest: 80 }],
    user: '1000:1000',
    workingDir: '/srv',
  });
});

test('a command replaces the command, and an entrypoint both', async () => {
  expect(await machineWith({ command: ['test', '-v', ''] })).toMatchObject({
    command: ['/bin/app', 'test', '-v', ''],
  });
  expect(await machineWith({ entrypoint: '/bin/sh -c' })).toMatchObject({ command: ['/bin/sh', '-c'] });
  expect(await machineWith({ entrypoint: 'env', command: ['A=1', 'x y'] })).toMatchObject({
    command: ['env', 'A=1', 'x y'],
  });
});

test('a mistake of the command line is shown in its place there', async () => {
  expect(await machineWith({ user: 'bob', ports: ['80800:80'] })).toMatchInlineSnapshot(`
    "<command line>:1:4: error: "80800" is not a port or a range of ports
     1 | -p 80800:80 -u bob
       |    ^~~~~~~~
    hint: ports are numbers from 1 to 65535, a range is 8000-8010

    1 error
    "
  `);
});

test('a port that another machine publishes is refused with both places', async () => {
  expect(await machineWith({ ports: ['5432:80'] })).toMatchInlineSnapshot(`
    "<command line>:1:4: error: host port 5432/tcp is published twice
     1 | -p 5432:80
       |    ^~~~~~~
    krun.yaml:13:13: note: the first time is here, in \`db\`
     13 |     ports: ['5432:5432']
        |             ^~~~~~~~~~~
    hint: choose another port, or let krun choose one: \`auto:80\`

    1 error
    "
  `);
});

test('a machine that is not in the file changes nothing', async () => {
  const result = await load(
    { '/p/krun.yaml': FILE, '/p/src/': '' },
    { overrides: { machine: 'x', ...NOTHING } },
  );
  expect(result.project?.machines['web']?.ports).toHaveLength(1);
});

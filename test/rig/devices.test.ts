import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { constants, existsSync } from 'node:fs';
import {
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  readlink,
  realpath,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { libc } from '../../src/host/libc.ts';
import { openPty, terminalName } from '../../src/host/pty.ts';
import { createCliRig, machine, SERVICE, writeMachines } from './cli-project.ts';
import type { Rig } from './support/rig.ts';

const WAIT = { timeout: 20_000 } as const;

/** Where the stand-in's guest has what a real one has in /dev. */
const DEV = path.join(path.dirname(process.env['KRUN_TEST_FAKE_LIBKRUN'] ?? ''), 'guest/dev');

/** Says its name through a port, then answers each line. */
const answering = (port: string): string =>
  `exec 3<>${DEV}/virtio-ports/${port}; echo "this is ${port}" >&3; ` +
  'while read -r line <&3; do echo "got $line" >&3; done';

async function createDeviceRig(machines: string): Promise<Rig> {
  const rig = await createCliRig(machines, { env: { FAKE_KRUN_CALLS: '/dev/null' } });
  await mkdir(path.join(rig.directory, 'run'));
  return rig;
}

/** A client of a unix socket, and all that has come from it. */
class Client {
  readonly socket: net.Socket;
  text = '';

  private constructor(socket: net.Socket) {
    this.socket = socket;
    socket.setEncoding('utf8').on('data', (chunk: string) => (this.text += chunk));
    // The machine's process may be killed.
    socket.on('error', (error: NodeJS.ErrnoException) =>
      expect(['ECONNRESET', 'EPIPE']).toContain(error.code),
    );
  }

  static async connected(file: string): Promise<Client> {
    const socket = net.connect({ path: file, allowHalfOpen: true });
    await once(socket, 'connect');
    return new Client(socket);
  }
}

/** Connects as soon as there is a socket: it is made while the guest boots. */
async function eventualClient(file: string): Promise<Client> {
  const found: Client[] = [];
  await expect
    .poll(async () => {
      const client = await Client.connected(file).catch(() => undefined);
      if (client) found.push(client);
      return found.length;
    }, WAIT)
    .toBe(1);
  return found[0]!;
}

/** A machine whose script's variables are its own. */
function scripted(name: string, script: string, more: Readonly<Record<string, string>>): string {
  return machine(name, script.replaceAll('$', '$$$$'), more);
}

function calls(rig: Rig, file: string): Promise<string> {
  return readFile(path.join(rig.directory, file), 'utf8');
}

test('a console port carries bytes both ways, for one client after the other', async () => {
  await using rig = await createDeviceRig(
    scripted('web', answering('org.example.a'), {
      console: '{ ports: [{ name: org.example.a, socket: ./run/a.sock }] }',
    }),
  );
  await rig.ok(['up', '-d']);
  const file = path.join(rig.directory, 'run/a.sock');
  const first = await Client.connected(file);
  // What the guest wrote before anybody was there.
  await expect.poll(() => first.text, WAIT).toBe('this is org.example.a\n');
  first.socket.write('one\n');
  await expect.poll(() => first.text, WAIT).toContain('got one\n');
  const second = await Client.connected(file);
  await once(second.socket, 'end');
  expect(second.text).toBe('');
  // Who has ended its input makes room.
  first.socket.end('two\n');
  await expect.poll(() => first.text, WAIT).toContain('got two\n');
  const third = await Client.connected(file);
  third.socket.write('three\n');
  await expect.poll(() => third.text, WAIT).toBe('got three\n');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  await rig.ok(['stop']);
  expect(existsSync(file)).toBe(false);
});

test('a guest goes on where nobody reads its port, and the last of it is kept', async () => {
  const name = 'org.example.flood';
  const flood = `exec 3<>${DEV}/virtio-ports/${name}; i=0; while [ $i -lt 40000 ]; do echo "line $i"; i=$((i+1)); done >&3; echo flooded; ${SERVICE}`;
  await using rig = await createDeviceRig(
    scripted('web', flood, { console: `{ ports: [{ name: ${name}, socket: ./run/a.sock }] }` }),
  );
  await rig.ok(['up', '-d']);
  await expect.poll(() => rig.ok(['logs', 'web']), WAIT).toContain('flooded');
  const client = await Client.connected(path.join(rig.directory, 'run/a.sock'));
  await expect.poll(() => client.text, WAIT).toMatch(/line 39999\n$/);
  // The bytes kept, and those that were on their way.
  expect(client.text.length).toBeGreaterThanOrEqual(64 * 1024);
  expect(client.text.length).toBeLessThan(256 * 1024);
});

test('a port with tty is a terminal of the guest and a device of the host', async () => {
  const name = 'org.example.tty';
  const script = `exec 3<>${DEV}/virtio-ports/${name}; stty size <&3 >&3; stty raw -echo <&3; while read -r line <&3; do echo "got $line" >&3; done`;
  await using rig = await createDeviceRig(
    scripted('web', script, { console: `{ ports: [{ name: ${name}, tty: ./run/console }] }` }),
  );
  await rig.ok(['up', '-d']);
  const link = path.join(rig.directory, 'run/console');
  expect(await realpath(link)).toMatch(/^\/dev\/pts\/\d+$/);
  expect((await stat(link)).mode & 0o777).toBe(0o600);
  const terminal = await open(link, constants.O_RDWR | constants.O_NOCTTY);
  try {
    let text = '';
    const more = async (): Promise<string> => {
      const { bytesRead, buffer } = await terminal.read(Buffer.alloc(1024));
      text += buffer.toString('utf8', 0, bytesRead);
      return text;
    };
    await expect.poll(more, WAIT).toContain('24 80');
    await terminal.write('hello\n');
    await expect.poll(more, WAIT).toContain('got hello\n');
  } finally {
    await terminal.close();
  }
  await rig.ok(['down']);
  await expect(lstat(link)).rejects.toThrow('ENOENT');
});

test('a terminal that another project has at the path stays', async () => {
  const port = (place: string): string =>
    machine('web', SERVICE, { console: `{ ports: [{ name: a, tty: ${place} }] }` });
  await using first = await createDeviceRig(port('./run/tty'));
  const link = path.join(first.directory, 'run/tty');
  await using second = await createDeviceRig(port(link));
  await first.ok(['up', '-d']);
  const terminal = await realpath(link);
  const refused = await second.krun(['up', '-d']);
  expect(refused.stderr).toContain(`${link} is in use by another machine`);
  await second.ok(['down']);
  expect(await realpath(link)).toBe(terminal);
  // What a killed machine left is gone, or replaced.
  await first.ok(['kill', 'web']);
  await expect(lstat(link)).rejects.toThrow('ENOENT');
  await symlink('/run/krun/none/t-0123456789abcdef', link);
  await second.ok(['up', '-d']);
  expect(await realpath(link)).toMatch(/^\/dev\/pts\/\d+$/);
});

test('ports of a guest without agent have a console of their own', async () => {
  await using rig = await createDeviceRig(
    machine('web', SERVICE, {
      agent: 'false',
      command: '[/bin/sleep, "1000"]',
      console: '{ ports: [{ name: a, socket: ./run/a.sock }, { name: b, tty: ./run/b }] }',
    }),
  );
  await rig.ok(['up', '-d'], { env: { FAKE_KRUN_CALLS: path.join(rig.directory, 'calls') } });
  expect((await calls(rig, 'calls')).split('\n').filter((line) => line.includes('console'))).toEqual([
    'krun_disable_implicit_console(0)',
    'krun_add_virtio_console_multiport(0)',
    'krun_add_console_port_inout(0, 0, a, fd, fd)',
    'krun_add_console_port_tty(0, 0, b, fd)',
    'krun_add_virtio_console_default(0, -1, fd, fd)',
  ]);
  await Client.connected(path.join(rig.directory, 'run/a.sock'));
});

test('a vsock port where the guest listens is a socket of the user alone, and goes with the machine', async () => {
  const vsock =
    '[{ port: 5000, socket: ./run/v.sock, direction: listen }, { port: 7, socket: ./run/host.sock }]';
  await using rig = await createDeviceRig(machine('web', SERVICE, { vsock }));
  await rig.ok(['up', '-d'], { env: { FAKE_KRUN_CALLS: path.join(rig.directory, 'calls') } });
  const link = path.join(rig.directory, 'run/v.sock');
  const client = await eventualClient(link);
  client.socket.write('there and back\n');
  await expect.poll(() => client.text, WAIT).toBe('there and back\n');
  const target = await readlink(link);
  expect((await stat(path.dirname(target))).mode & 0o777).toBe(0o700);
  expect((await calls(rig, 'calls')).split('\n').filter((line) => line.includes('vsock'))).toEqual([
    'krun_disable_implicit_vsock(0)',
    'krun_add_vsock(0, 0)',
    `krun_add_vsock_port2(0, 7, ${path.join(rig.directory, 'run/host.sock')}, 0)`,
    `krun_add_vsock_port2(0, 5000, ${target}, 1)`,
  ]);
  await rig.ok(['kill', 'web']);
  expect([existsSync(target), await lstat(link).catch(() => 'none')]).toEqual([false, 'none']);
  // A link that a killed machine left is replaced.
  await symlink(target, link);
  await rig.ok(['up', '-d']);
  await eventualClient(link);
});

test('what is at the place of a socket stays, and is the reason of the refusal', async () => {
  const vsock = '[{ port: 5000, socket: ./run/v.sock, direction: listen }]';
  await using rig = await createDeviceRig(machine('web', SERVICE, { vsock }));
  const file = await rig.write('run/v.sock', 'mine');
  const refused = await rig.krun(['up', '-d']);
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toContain(`${file} is there and was not made by krun`);
  expect(await readFile(file, 'utf8')).toBe('mine');
  await writeMachines(
    rig,
    machine('web', SERVICE, { console: '{ ports: [{ name: a, socket: ./run/c.sock }] }' }),
  );
  const server = net.createServer().listen(path.join(rig.directory, 'run/c.sock'));
  await once(server, 'listening');
  const inUse = await rig.krun(['up', '-d']);
  expect(inUse.stderr).toContain('run/c.sock is in use by another process');
  server.close();
});

test('a serial port writes to its file and reads from a FIFO, or a file', async () => {
  await using rig = await createDeviceRig(
    machine('web', SERVICE, { serial: '{ log: ./serial.log, input: ./serial.in }' }) +
      machine('dumb', SERVICE, { serial: '{ input: ./typed }' }) +
      machine('read', SERVICE, { serial: '{ log: ./read.log, input: ./typed }' }),
  );
  await promisify(execFile)('mkfifo', [path.join(rig.directory, 'serial.in')]);
  await rig.write('serial.log', 'before\n');
  await rig.write('typed', 'typed by a file\n');
  await rig.ok(['up', '-d']);
  const log = (name: string): Promise<string> => readFile(path.join(rig.directory, name), 'utf8');
  await expect.poll(() => log('serial.log'), WAIT).toBe('before\nserial port ready\n');
  // Each writer of the FIFO goes again; the guest's end stays.
  for (const line of ['one\n', 'two\n']) {
    await writeFile(path.join(rig.directory, 'serial.in'), line);
    await expect.poll(() => log('serial.log'), WAIT).toContain(line);
  }
  await expect.poll(() => log('read.log'), WAIT).toBe('serial port ready\ntyped by a file\n');
  expect((await stat(path.join(rig.directory, 'read.log'))).mode & 0o777).toBe(0o600);
});

test('a terminal as serial port does not become the terminal of the machine process', async () => {
  const { master, slave } = openPty(24, 80);
  const name = terminalName(slave);
  await using rig = await createDeviceRig(
    machine('web', SERVICE, { serial: `{ log: ${name}, input: ${name} }` }),
  );
  await rig.ok(['up', '-d']);
  const identity = await readFile(path.join(rig.directory, '.krun/machines/web/run-1/process.json'), 'utf8');
  const { pid } = JSON.parse(identity) as { readonly pid: number };
  // The fifth number after the name, which may hold anything; a Ctrl-C in its terminal would end the machine.
  const process = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ').at(-1)?.split(' ');
  expect(process?.[4]).toBe('0');
  for (const fd of [master, slave]) libc().close(fd);
});

test('console.log gets what the machine says, from the next line on', async () => {
  const script = 'i=0; while :; do i=$((i+1)); echo "line $i"; echo "error $i" >&2; sleep 0.2; done';
  await using rig = await createDeviceRig(scripted('web', script, { console: '{ log: ./console.log }' }));
  await rig.ok(['up', '-d']);
  const log = (name: string): Promise<string> =>
    readFile(path.join(rig.directory, name), 'utf8').catch(() => '');
  // What is said on both streams at once may come in either order.
  await expect.poll(() => log('console.log'), WAIT).toMatch(/^line 1$/m);
  await expect.poll(() => log('console.log'), WAIT).toMatch(/^error 2$/m);
  await writeMachines(rig, scripted('web', script, { console: '{ log: ./other.log }' }));
  expect((await rig.krun(['plan'])).stdout).toContain('console log changed');
  await rig.ok(['up', '-d']);
  await expect.poll(() => log('other.log'), WAIT).toMatch(/line \d+\n/);
  // The same machine goes on.
  expect(await log('other.log')).not.toContain('line 1\n');
});

test.each([
  { key: 'gpu', value: 'true', lacks: 'a GPU' },
  { key: 'input', value: '[/dev/null]', lacks: 'input devices' },
  { key: 'sound', value: 'true', lacks: 'sound' },
])('$lacks is refused before the start where libkrun was built without', async ({ key, value, lacks }) => {
  await using rig = await createDeviceRig(machine('web', SERVICE, { [key]: value }));
  const refused = await rig.krun(['up', '-d']);
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toContain(`this libkrun was built without ${lacks}`);
});

test('nothing at the host’s paths outlives a machine, and what is not krun’s stays', async () => {
  const console = '{ ports: [{ name: a, socket: ./run/a.sock }, { name: b, tty: ./run/b }] }';
  await using rig = await createDeviceRig(machine('web', SERVICE, { console }));
  await rig.write('run/other', 'mine');
  await rig.ok(['up', '-d']);
  expect((await readdir(path.join(rig.directory, 'run'))).toSorted()).toEqual(['a.sock', 'b', 'other']);
  await rig.ok(['kill', 'web']);
  expect(await readdir(path.join(rig.directory, 'run'))).toEqual(['other']);
  // A one-off machine has no places of its own, so that it can run beside the other.
  await rig.ok(['up', '-d']);
  expect(await rig.ok(['run', '--rm', '-T', 'web', 'echo', 'beside'])).toBe('beside\n');
  expect(existsSync(path.join(rig.directory, 'run/a.sock'))).toBe(true);
});

test('the plan names a changed device and its place', async () => {
  const vsock = (port: number): string => `[{ port: ${port}, socket: ./run/v.sock, direction: listen }]`;
  await using rig = await createDeviceRig(machine('web', SERVICE, { vsock: vsock(5000) }));
  await rig.ok(['up', '-d']);
  await writeMachines(rig, machine('web', SERVICE, { vsock: vsock(5001) }));
  const { stdout: plan } = await rig.krun(['plan']);
  expect(plan).toContain('vsock port 5000 removed');
  expect(plan).toMatch(/vsock port 5001 added \(krun\.yaml:\d+\)/);
});

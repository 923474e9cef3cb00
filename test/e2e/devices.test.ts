import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { constants, existsSync } from 'node:fs';
import { mkdir, open, readlink, stat, writeFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { describe, expect, test, type TestContext } from 'vitest';
import type { Rig } from '../rig/support/rig.ts';
import { busybox, createGuests, literal } from './support/guest-tools.ts';
import { compileStatic } from './support/static-program.ts';

const WAIT = { timeout: 100_000 } as const;

/** More than libkrun's vsock passes on before its credits have to work. */
const BYTES = randomBytes(200_000);
const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');

const SCRIPT = `
exec 3<>/dev/virtio-ports/org.example.echo
echo "port of $(hostname)" >&3
while read -r line <&3; do echo "got $line" >&3; done &
(stty raw -echo; stty size; while read -r line; do echo "typed $line"; done) \
  <>/dev/virtio-ports/org.example.tty >&0 2>&1 &
/tools/guest-vsock echo 5001 &
echo ready
wait`;

const PORTS = {
  log: './console.log',
  ports: [
    { name: 'org.example.echo', socket: './run/echo.sock' },
    { name: 'org.example.tty', tty: './run/tty' },
  ],
};

function machineWith(more: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return busybox(SCRIPT, {
    vsock: [
      { port: 5000, socket: './run/host.sock' },
      { port: 5001, socket: './run/guest.sock', direction: 'listen' },
    ],
    console: PORTS,
    shares: ['./tools:/tools', { source: './mapped', target: '/mapped', dax: '64MiB' }],
    ...more,
  });
}

async function createDevices(context: TestContext, more: Readonly<Record<string, unknown>>): Promise<Rig> {
  const config = {
    machines: { web: machineWith(more) },
    networks: { tsi: { driver: 'tsi' } },
  };
  const project = await createGuests(context, config, { files: { 'mapped/file': 'from the host\n' } });
  for (const name of ['run', 'tools']) await mkdir(path.join(project.directory, name), { recursive: true });
  await compileStatic('guest-vsock', path.join(project.directory, 'tools/guest-vsock'));
  return project;
}

/** The text that has come from a client so far. */
function textOf(client: net.Socket): () => string {
  let text = '';
  client.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  return () => text;
}

async function connected(file: string): Promise<net.Socket> {
  const client = net.connect({ path: file });
  await once(client, 'connect');
  return client;
}

/** The guest connects to a program of the host: bytes there and back. */
async function guestConnects(project: Rig): Promise<void> {
  const listener = net.createServer((client) => {
    let seen = 0;
    const hash = createHash('md5');
    client.on('data', (chunk) => {
      hash.update(chunk);
      seen += chunk.length;
      if (seen === BYTES.length) client.end(`${hash.digest('hex')}\n`);
    });
    client.on('error', () => undefined);
  });
  listener.listen(path.join(project.directory, 'run/host.sock'));
  await once(listener, 'listening');
  await writeFile(path.join(project.directory, 'tools/bytes'), BYTES);
  const script = '/tools/guest-vsock send 5000 </tools/bytes';
  expect(await project.ok(['exec', 'web', 'sh', '-c', script])).toBe(`${md5(BYTES)}\n`);
  listener.close();
}

/** A program of the host connects to one of the guest, as soon as that listens: libkrun ends earlier connections. */
async function hostConnects(project: Rig): Promise<void> {
  await expect.poll(() => project.ok(['logs', '--no-log-prefix']), WAIT).toMatch(/^listening$/m);
  const link = path.join(project.directory, 'run/guest.sock');
  const target = await readlink(link);
  expect((await stat(path.dirname(target))).mode & 0o777).toBe(0o700);
  for (const round of [1, 2]) {
    const client = await connected(link);
    const text = textOf(client);
    const sent = `round ${round} ${'x'.repeat(50_000)}\n`;
    client.write(sent);
    await expect.poll(() => md5(Buffer.from(text())), WAIT).toBe(md5(Buffer.from(sent)));
    client.destroy();
  }
}

async function portEchoes(project: Rig): Promise<void> {
  const client = await connected(path.join(project.directory, 'run/echo.sock'));
  const text = textOf(client);
  await expect.poll(text, WAIT).toBe('port of web\n');
  client.write('one\ntwo\n');
  await expect.poll(text, WAIT).toBe('port of web\ngot one\ngot two\n');
  client.destroy();
}

async function terminalEchoes(project: Rig): Promise<void> {
  const terminal = await open(path.join(project.directory, 'run/tty'), constants.O_RDWR | constants.O_NOCTTY);
  let text = '';
  const more = async (): Promise<string> => {
    const { bytesRead, buffer: bytes } = await terminal.read(Buffer.alloc(1024));
    text += bytes.toString('utf8', 0, bytesRead);
    return text;
  };
  await expect.poll(more, WAIT).toContain('24 81');
  await terminal.write('hello\n');
  await expect.poll(more, WAIT).toContain('typed hello');
  await terminal.close();
}

describe('devices of a real guest', () => {
  test('vsock both ways, console ports both ways, a terminal, a window of memory, and the console in a file', async (context) => {
    await using project = await createDevices(context, {});
    await project.ok(['up', '-d']);
    await hostConnects(project);
    await guestConnects(project);
    await portEchoes(project);
    await terminalEchoes(project);

    const mapped = 'cat /mapped/file; grep " /mapped " /proc/mounts; echo back >/mapped/guest';
    expect(await project.ok(['exec', 'web', 'sh', '-c', mapped])).toMatch(
      /^from the host\n\S+ \/mapped virtiofs rw,\S*dax=always/,
    );
    expect(await project.read('mapped/guest')).toBe('back\n');
    await expect.poll(() => project.read('console.log'), WAIT).toMatch(/^ready$/m);

    await project.ok(['stop']);
    for (const name of ['guest.sock', 'echo.sock', 'tty'])
      expect(existsSync(path.join(project.directory, 'run', name))).toBe(false);
  });

  test('vsock ports beside TSI, and a vmdk image', async (context) => {
    const descriptor = [
      '# Disk DescriptorFile',
      'version=1',
      'CID=fffffffe',
      'parentCID=ffffffff',
      'createType="monolithicFlat"',
      'RW 2048 FLAT "disk-flat.vmdk" 0',
      'ddb.virtualHWVersion = "4"',
      'ddb.adapterType = "ide"',
      '',
    ].join('\n');
    await using project = await createDevices(context, {
      networks: ['tsi'],
      disks: [{ source: './disk.vmdk', format: 'vmdk', readonly: true }],
      console: {},
      command: ['/bin/sh', '-c', literal('/tools/guest-vsock echo 5001 & echo ready; wait')],
    });
    await project.write('disk.vmdk', descriptor);
    const disk = Buffer.alloc(2048 * 512);
    disk.write('first block\n');
    disk.write('last block\n', 2047 * 512);
    await project.write('disk-flat.vmdk', disk);
    await project.ok(['up', '-d']);
    await hostConnects(project);
    await guestConnects(project);
    const blocks =
      'head -c 12 /dev/vda; dd if=/dev/vda bs=512 skip=2047 2>/dev/null | head -c 11; cat /sys/block/vda/size';
    expect(await project.ok(['exec', 'web', 'sh', '-c', blocks])).toBe('first block\nlast block\n2048\n');
  });
});

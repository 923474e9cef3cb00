import { once } from 'node:events';
import { readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Member } from '../../src/network/api.ts';
import type { Uplink } from '../../src/network/spec.ts';
import { freePort } from '../support/free-port.ts';
import { GVPROXY_VERSIONS, gvproxyPath } from './support/helpers.ts';
import { NetworkProcess } from './support/network-process.ts';

const newest = gvproxyPath('0.8.9');
const debian = gvproxyPath('0.8.1');

/** Resolves when something listens on the port of the loopback, or nothing does. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true));
    socket.on('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

function tcp(host: number): Member['ports'][number] {
  return { host, guest: 80, protocol: 'tcp' };
}

describe.each(GVPROXY_VERSIONS)('with gvproxy %s', (version) => {
  const gvproxy = gvproxyPath(version);

  test.skipIf(!gvproxy)(
    'a network is ready, tells its state, and leaves nothing when it is stopped',
    async () => {
      await using network = await NetworkProcess.start({ gvproxy });
      const socket = path.join(network.base, 'web.sock');
      await network.put('web', network.member(2, { ports: [{ socket, guest: 80, protocol: 'tcp' }] }));
      const pid = await network.gvproxyPid();
      expect(await network.state()).toEqual({
        version: 1,
        run: 1,
        status: 'ready',
        gateway: '192.168.127.1',
        helper: { name: 'gvproxy', path: gvproxy, version, pid, restarts: 0 },
        members: {
          web: {
            ...network.member(2, { ports: [{ socket, guest: 80, protocol: 'tcp' }] }),
            connected: false,
            sent: { frames: 0, bytes: 0, dropped: 0 },
            received: { frames: 0, bytes: 0, dropped: 0 },
          },
        },
      });
      expect(await readdir(network.base)).toEqual(['c', 'l2', 'n', 'r', 'web.sock']);
      expect(await network.client.stop()).toEqual({ ok: true, value: undefined });
      expect(await network.ended).toBe('0');
      await network.untilNoProcess();
      expect(await readdir(network.base)).toEqual(['n', 'r']);
      expect(await readdir(path.join(network.base, 'r'))).toEqual([]);
      expect(await network.log()).toContain('the network ends: it was asked to');
      expect(await network.client.state()).toMatchObject({ ok: false, error: { kind: 'absent' } });
    },
  );

  test.skipIf(!gvproxy)('gvproxy ends when the network process is killed', async () => {
    await using network = await NetworkProcess.start({ gvproxy });
    const port = await freePort();
    await network.put('web', network.member(2, { ports: [tcp(port)] }));
    expect(await answers(port)).toBe(true);
    network.child.kill('SIGKILL');
    await network.untilNoProcess();
    await expect.poll(() => answers(port)).toBe(false);
  });

  test.skipIf(!gvproxy)('a busy port is refused with its holder, and nothing is changed', async () => {
    await using network = await NetworkProcess.start({ gvproxy });
    const [one, two] = [await freePort(), await freePort()];
    await network.put('web', network.member(2, { ports: [tcp(one)] }));
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const busy = (server.address() as net.AddressInfo).port;
    const refused = await network.refusal('web', network.member(2, { ports: [tcp(two), tcp(busy)] }));
    expect(refused).toBe(
      `host port 127.0.0.1:${busy} is in use by process ${process.pid} (node)\n` +
        '  stop that process or publish another port',
    );
    expect([await answers(one), await answers(two)]).toEqual([true, false]);
    expect((await network.state()).members['web']?.ports).toEqual([tcp(one)]);
    const udp = await freePort();
    const twice: Member['ports'] = [{ host: udp, guest: 53, protocol: 'udp' }];
    await network.put('dns', network.member(3, { ports: twice }));
    expect(await network.refusal('db', network.member(4, { ports: twice }))).toBe(
      `host port 127.0.0.1:${udp} (udp) is published by machine dns already\n  publish another port`,
    );
    server.close();
    await once(server, 'close');
    await network.put('web', network.member(2, { ports: [tcp(two), tcp(busy)] }));
    expect([await answers(one), await answers(two), await answers(busy)]).toEqual([false, true, true]);
  });
});

test.skipIf(!newest)('twenty members have links and ports of their own', async () => {
  await using network = await NetworkProcess.start({ gvproxy: newest });
  const numbers = Array.from({ length: 20 }, (_, index) => index + 2);
  const ports = new Map<number, number>();
  for (const number of numbers) ports.set(number, await freePort());
  const links = await Promise.all(
    numbers.map(async (number) => {
      const member = network.member(number, { ports: [tcp(ports.get(number) ?? 0)] });
      await network.put(`m${number}`, member);
      const link = net.connect(member.linkSocket ?? '');
      await once(link, 'connect');
      link.on('error', () => link.destroy());
      return link;
    }),
  );
  await expect
    .poll(
      async () => Object.values((await network.state()).members).filter(({ connected }) => connected).length,
    )
    .toBe(20);
  expect(await Promise.all([...ports.values()].map(answers))).not.toContain(false);
  await Promise.all(numbers.map((number) => network.client.deleteMember(`m${number}`)));
  expect((await network.state()).members).toEqual({});
  expect(await Promise.all([...ports.values()].map(answers))).not.toContain(true);
  expect(await readdir(network.base)).toEqual(['c', 'n', 'r']);
  for (const link of links) link.destroy();
});

test.skipIf(!newest)('a member whose address another one has is refused', async () => {
  await using network = await NetworkProcess.start({ gvproxy: newest });
  await network.put('web', network.member(2));
  expect(await network.refusal('db', network.member(3, { ip: '192.168.127.2' }))).toContain('192.168.127.2');
  expect(Object.keys((await network.state()).members)).toEqual(['web']);
});

test.skipIf(!newest)("a user's file is never taken for a socket, and a leftover is", async () => {
  await using network = await NetworkProcess.start({ gvproxy: newest });
  const file = path.join(network.base, 'precious');
  await writeFile(file, 'precious');
  const ports: Member['ports'] = [{ socket: file, guest: 80, protocol: 'tcp' }];
  expect(await network.refusal('web', network.member(2, { ports }))).toBe(
    'host socket BASE/precious: the file is there and is not a socket\n' +
      '  move it away, or choose another path; krun does not replace it',
  );
  expect(await readFile(file, 'utf8')).toBe('precious');
});

test.skipIf(!newest)('a gvproxy that hangs is killed and replaced', async () => {
  await using network = await NetworkProcess.start({ gvproxy: newest });
  const port = await freePort();
  await network.put('web', network.member(2, { ports: [tcp(port)] }));
  process.kill(await network.gvproxyPid(), 'SIGSTOP');
  await expect.poll(async () => (await network.state()).helper?.restarts, { timeout: 60_000 }).toBe(1);
  await expect.poll(() => answers(port)).toBe(true);
  expect(await network.log()).toContain(
    'gvproxy is killed, because it does not work any more: gvproxy has not answered for 2 s',
  );
});

test.skipIf(!newest)('a network whose project is deleted ends', async () => {
  await using network = await NetworkProcess.start({ gvproxy: newest });
  await network.put('web', network.member(2));
  // What gvproxy says just then goes into its log.
  await rm(path.join(network.base, 'n'), { recursive: true, maxRetries: 5 });
  expect(await network.ended).toBe('0');
  await network.untilNoProcess();
  // A log that is written once more would bring the directory back, or keep it from being removed.
  expect(await readdir(network.base)).toEqual(['r']);
});

test.skipIf(!newest)('a revoked network ends, and signals of a terminal do not end it', async () => {
  await using network = await NetworkProcess.start({ gvproxy: newest });
  await network.put('web', network.member(2));
  network.child.kill('SIGHUP');
  network.child.kill('SIGINT');
  network.child.stdout?.destroy();
  network.child.stderr?.destroy();
  expect((await network.state()).status).toBe('ready');
  // Whole or not at all, as the supervisor writes it.
  await writeFile(`${network.spec.intentFile}.new`, JSON.stringify({ run: 2 }));
  await rename(`${network.spec.intentFile}.new`, network.spec.intentFile);
  expect(await network.ended).toBe('0');
  await network.untilNoProcess();
  // The log is the other run's by now.
  expect(await network.log()).not.toContain('the network ends');
});

test('a process whose run was revoked before it came up does nothing', async () => {
  await using network = await NetworkProcess.start({ intent: 2 });
  expect(await network.ended).toBe('0');
  expect(network.output).toBe('');
  expect(JSON.parse(await readFile(network.spec.identityFile, 'utf8'))).toMatchObject({
    pid: network.child.pid,
    run: 1,
  });
  expect(await readdir(network.base)).toEqual(['n', 'r']);
});

test('a gvproxy that is not there is told with how to get it', async () => {
  await using network = await NetworkProcess.start({
    env: { PATH: '/nowhere', KRUN_GVPROXY: '/nowhere/gv' },
  });
  expect(await network.refusal('web', network.member(2))).toMatchInlineSnapshot(`
    "gvproxy: /nowhere/gv does not exist
      KRUN_GVPROXY names it; correct the path, or remove it and krun looks in PATH and the usual places"
  `);
  expect(await network.state()).toMatchObject({
    status: 'failed',
    reason: 'gvproxy: /nowhere/gv does not exist',
  });
});

test('programs that are not gvproxy are told apart from it', async () => {
  for (const [script, told] of [
    ['exit 0', 'gvproxy ended before it was ready (exit 0) without a word'],
    [
      'echo "no such thing" >&2; exit 3',
      'gvproxy ended before it was ready (exit 3); its last line: no such thing',
    ],
    ['sleep 1000', 'BASE/gvproxy has not answered for 10 s after its start'],
    ['echo gvproxy version 0.7.2', 'gvproxy 0.7.2 is too old: krun needs 0.8.0 or newer'],
  ] as const) {
    await using network = await NetworkProcess.start({ impostor: script });
    expect(await network.refusal('web', network.member(2))).toContain(told);
    // What was killed is gone a moment later.
    await expect.poll(() => network.processes()).toHaveLength(1);
  }
});

test.skipIf(!debian)("a subnet that Debian's gvproxy cannot have is told", async () => {
  const uplink: Uplink = { kind: 'gvproxy', subnet: '10.9.8.0/24', mtu: 1500, hostAccess: true };
  await using network = await NetworkProcess.start({ gvproxy: debian, uplink });
  const refused = await network.refusal('web', network.member(2, { ip: '10.9.8.2' }));
  expect(refused.replace(debian ?? '', 'GVPROXY')).toMatchInlineSnapshot(`
    "gvproxy 0.8.1 (GVPROXY) cannot have the subnet 10.9.8.0/24
      install gvproxy 0.8.8 or newer, or leave the subnet out: 192.168.127.0/24 always works"
  `);
});

test.skipIf(!newest)('socket paths that are too long are told', async () => {
  await using network = await NetworkProcess.start({ gvproxy: newest, runtime: 'r'.repeat(100) });
  expect(await network.refusal('web', network.member(2))).toMatch(
    /^the socket path BASE\/r+\/ga has \d+ bytes; the system takes 103\n {2}set XDG_RUNTIME_DIR to a short path$/,
  );
});

test('without an uplink, ports are forwarded by the process itself', async () => {
  await using network = await NetworkProcess.start({ uplink: { kind: 'none' } });
  const server = net
    .createServer((socket) => socket.on('error', () => socket.destroy()).pipe(socket))
    .listen(0, '127.0.0.1');
  await once(server, 'listening');
  const guest = (server.address() as net.AddressInfo).port;
  const [one, two] = [await freePort(), await freePort()];
  const socket = path.join(network.base, 'web.sock');
  const member = {
    mac: '52:55:00:00:00:02',
    ip: '127.0.0.1',
    names: [],
    ports: [
      { host: one, guest, protocol: 'tcp' },
      { socket, guest, protocol: 'tcp' },
    ],
  } as const;
  await network.put('web', member);
  const open = net.connect(one, '127.0.0.1');
  open.write('one');
  expect(String((await once(open, 'data'))[0])).toBe('one');
  await network.put('web', { ...member, ports: [member.ports[0], { host: two, guest, protocol: 'tcp' }] });
  open.write('two');
  expect(String((await once(open, 'data'))[0])).toBe('two');
  expect(await answers(two)).toBe(true);
  expect(await readdir(network.base)).toEqual(['c', 'n', 'r']);
  expect(
    await network.refusal('db', { ...member, ports: [{ host: two, guest, protocol: 'tcp' }] }),
  ).toContain('is published by machine web already');
  open.destroy();
  await network.client.deleteMember('web');
  expect([await answers(one), await answers(two)]).toEqual([false, false]);
  network.child.kill('SIGTERM');
  expect(await network.ended).toBe('0');
  server.close();
});

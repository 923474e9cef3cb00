import { once } from 'node:events';
import { statSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Member } from '../../src/network/api.ts';
import { GvproxyApi } from '../../src/network/gvproxy-api.ts';
import { freePort } from '../support/free-port.ts';
import { ask, askUdp, Conversation, echo, tcp } from './support/echo-guest.ts';
import { GVPROXY_VERSIONS, gvproxyPath } from './support/helpers.ts';
import { GVPROXY_UPLINK, NetworkProcess } from './support/network-process.ts';
import { canRunGuests } from './support/tap-guest.ts';

describe.each(GVPROXY_VERSIONS)('with gvproxy %s', (version) => {
  const gvproxy = gvproxyPath(version);

  test.skipIf(!gvproxy || !canRunGuests())(
    'ports of every kind lead to the guest, and change while a connection stays open',
    async () => {
      await using network = await NetworkProcess.start({ gvproxy });
      const [one, two, udp] = [await freePort(), await freePort(), await freePort()];
      const socket = path.join(network.base, 'web.sock');
      const ports: Member['ports'] = [
        tcp(one),
        { host: udp, guest: 80, protocol: 'udp' },
        { socket, guest: 80, protocol: 'tcp' },
        { ...tcp(one), hostIp: '::1' },
      ];
      const web = network.member(2, { ports });
      expect(await network.put('web', web)).toMatchObject({ connected: false });
      await network.guest(web, echo('web'));
      using open = new Conversation({ host: '127.0.0.1', port: one });
      expect(await open.ask('a')).toBe('web: a');
      expect(await askUdp(udp, 'b')).toBe('web: b');
      expect(await ask({ path: socket }, 'c')).toBe('web: c');
      expect(statSync(socket).mode & 0o777).toBe(0o600);
      expect(await ask({ host: '::1', port: one }, 'd')).toBe('web: d');

      await network.put('web', { ...web, ports: [tcp(one), tcp(two)] });
      expect(await ask({ host: '127.0.0.1', port: two }, 'e')).toBe('web: e');
      expect(await open.ask('f')).toBe('web: f');
      expect(statSync(socket, { throwIfNoEntry: false })).toBeUndefined();
      expect(await ask({ host: '::1', port: one }, 'g')).toBe('closed');
      await network.put('web', { ...web, ports: [tcp(one)] });
      expect(await open.ask('h')).toBe('web: h');
      expect(await ask({ host: '127.0.0.1', port: two }, 'i')).toBe('closed');

      const { members } = await network.state();
      expect(members['web']).toMatchObject({ connected: true, names: ['m2'] });
      expect(members['web']?.received.frames).toBeGreaterThan(10);
      await network.client.deleteMember('web');
      expect(await ask({ host: '127.0.0.1', port: one }, 'j')).toBe('closed');
      expect((await network.state()).members).toEqual({});
    },
  );

  test.skipIf(!gvproxy || !canRunGuests())(
    'gvproxy is started again when it was killed, and links and ports work as before',
    async () => {
      await using network = await NetworkProcess.start({ gvproxy });
      const port = await freePort();
      const socket = path.join(network.base, 'web.sock');
      const web = network.member(2, { ports: [tcp(port), { socket, guest: 80, protocol: 'tcp' }] });
      const db = network.member(3);
      await network.put('web', web);
      await network.put('db', db);
      await network.guest(web, echo('web'));
      const other = await network.guest(db, echo('db'));
      for (const restarts of [1, 2]) {
        process.kill(await network.gvproxyPid(), 'SIGKILL');
        await expect.poll(async () => (await network.state()).helper?.restarts).toBe(restarts);
        await expect.poll(async () => (await network.state()).status).toBe('ready');
        expect(await ask({ host: '127.0.0.1', port }, `x${restarts}`)).toBe(`web: x${restarts}`);
        expect(await ask({ path: socket }, 'u')).toBe('web: u');
        other.tell(`tcp 192.168.127.2 80 y${restarts}`);
        await other.says(new RegExp(`got web: y${restarts}`));
      }
      expect((await network.state()).members['web']?.connected).toBe(true);
      expect(await network.log()).toContain('gvproxy ended (SIGKILL); krun starts it again in 100 ms');
      expect(await network.log()).toContain('is ready again; links and ports work as before');
    },
  );

  test.skipIf(!gvproxy || !canRunGuests())(
    "a guest finds the others and the host by name, and cannot reach gvproxy's own interface",
    async () => {
      const uplink = { ...GVPROXY_UPLINK, hostAccess: false };
      await using network = await NetworkProcess.start({ gvproxy, uplink });
      const web = network.member(2, { names: ['web'] });
      await network.put('web', web);
      await network.put('db', network.member(3, { names: ['db', 'store'] }));
      const guest = await network.guest(web, echo('web'));
      for (const [name, address] of [
        ['db', '192.168.127.3'],
        ['STORE.krun.internal', '192.168.127.3'],
        ['host.krun.internal', '192.168.127.254'],
      ]) {
        guest.tell(`lookup ${name} 192.168.127.1`);
        await guest.says(new RegExp(`${name} is ${address}`));
      }
      const refused = async (): Promise<number> => (await network.state()).members['web']?.sent.dropped ?? 0;
      let before = await refused();
      const body = '{"local":"127.0.0.1:1","remote":"192.168.127.2:80"}';
      guest.tell(`tcp 192.168.127.1 80 POST /services/forwarder/expose HTTP/1.0 ${body}`);
      await expect.poll(refused).toBeGreaterThan(before);
      before = await refused();
      const server = net
        .createServer((socket) => socket.on('error', () => socket.destroy()).end('secret'))
        .listen(0, '127.0.0.1');
      await once(server, 'listening');
      guest.tell(`tcp 192.168.127.254 ${(server.address() as net.AddressInfo).port} hello`);
      await expect.poll(refused).toBeGreaterThan(before);
      server.close();
      expect(await new GvproxyApi(network.spec.sockets.gvproxyApi).forwards()).toEqual([]);
      expect(await guest.says(/./)).not.toMatch(/got/);
    },
  );

  test.skipIf(!gvproxy || !canRunGuests())(
    'a guest that is paused, and one that sends nonsense, are no trouble of the others',
    async () => {
      await using network = await NetworkProcess.start({ gvproxy });
      const port = await freePort();
      const web = network.member(2, { ports: [tcp(port)] });
      const [db, paused, mad] = [network.member(3), network.member(4), network.member(5)];
      for (const [name, member] of Object.entries({ web, db, paused, mad })) await network.put(name, member);
      const guest = await network.guest(web, echo('web'));
      const other = await network.guest(db, echo('db'));
      const sleeper = await network.guest(paused, echo('paused'));
      guest.tell('tcp 192.168.127.4 80 awake');
      await guest.says(/got paused: awake/);
      sleeper.pause();
      const link = net.connect(mad.linkSocket ?? '');
      link.on('error', () => link.destroy());
      for (let runts = 0; runts < 100; runts += 1) link.write(Buffer.from([0, 0, 0, 5, 1, 2, 3, 4, 5]));
      const dropped = async (): Promise<number> =>
        (await network.state()).members['paused']?.received.dropped ?? 0;
      while ((await dropped()) === 0) {
        guest.tell('flood 192.168.127.4 4000');
        await guest.says(/flooded/);
      }
      await expect.poll(async () => (await network.state()).members['mad']?.sent.dropped).toBe(100);
      other.tell('tcp 192.168.127.2 80 still');
      await other.says(/got web: still/);
      expect(await ask({ host: '127.0.0.1', port }, 'there')).toBe('web: there');
      expect((await network.state()).helper?.restarts).toBe(0);
      link.destroy();
    },
  );

  test.skipIf(!gvproxy || !canRunGuests())(
    'guests reach each other and the host, and a guest that comes again takes its place',
    async () => {
      await using network = await NetworkProcess.start({ gvproxy });
      const web = network.member(2);
      const db = network.member(3);
      await network.put('web', web);
      await network.put('db', db);
      const first = await network.guest(web, echo('web'));
      const other = await network.guest(db, echo('db'));
      first.tell('tcp 192.168.127.3 80 hello');
      await first.says(/got db: hello/);
      const server = net
        .createServer((socket) => socket.on('error', () => socket.destroy()).end('from the host'))
        .listen(0, '127.0.0.1');
      await once(server, 'listening');
      first.tell(`tcp 192.168.127.254 ${(server.address() as net.AddressInfo).port} hello`);
      await first.says(/got from the host/);
      server.close();
      first.kill();
      await expect.poll(async () => (await network.state()).members['web']?.connected).toBe(false);
      await network.guest(web, echo('web2'));
      await expect.poll(async () => (await network.state()).members['web']?.connected).toBe(true);
      other.tell('tcp 192.168.127.2 80 again');
      await other.says(/got web2: again/);
    },
  );
});

test.skipIf(!gvproxyPath('0.8.9') || !canRunGuests())('another subnet has its own addresses', async () => {
  const uplink = { kind: 'gvproxy', subnet: '10.9.8.0/24', mtu: 1500, hostAccess: true } as const;
  await using network = await NetworkProcess.start({ gvproxy: gvproxyPath('0.8.9'), uplink });
  const port = await freePort();
  const web = network.member(2, { ip: '10.9.8.2', ports: [tcp(port)] });
  await network.put('web', web);
  const guest = await network.guest(web, echo('web'));
  expect(await ask({ host: '127.0.0.1', port }, 'a')).toBe('web: a');
  const server = net
    .createServer((socket) => socket.on('error', () => socket.destroy()).end('from the host'))
    .listen(0, '127.0.0.1');
  await once(server, 'listening');
  guest.tell(`tcp 10.9.8.254 ${(server.address() as net.AddressInfo).port} hello`);
  await guest.says(/got from the host/);
  server.close();
  expect((await network.state()).gateway).toBe('10.9.8.1');
});

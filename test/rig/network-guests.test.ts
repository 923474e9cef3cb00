import { once } from 'node:events';
import dgram from 'node:dgram';
import { statSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Member } from '../../src/network/api.ts';
import { freePort } from '../unit/network/support/free-port.ts';
import { GVPROXY_VERSIONS, gvproxyPath } from './support/helpers.ts';
import { NetworkProcess } from './support/network-process.ts';
import { canRunGuests } from './support/tap-guest.ts';

/** Echoes on TCP and UDP port 80, with its name in front; connects where it is told to. */
function echo(name: string): string {
  return `
    const net = require('node:net');
    net.createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.on('data', (data) => socket.write('${name}: ' + data));
    }).listen(80, () => {
      const udp = require('node:dgram').createSocket('udp4');
      udp.on('message', (data, from) => udp.send('${name}: ' + data, from.port, from.address));
      udp.bind(80, () => console.log('ready'));
    });
    require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
      const [host, port, text] = line.split(' ');
      const socket = net.connect(Number(port), host, () => socket.write(text));
      socket.on('error', (error) => console.log(host + ' ' + error.code));
      socket.on('data', (data) => { console.log('got ' + data); socket.end(); });
    });`;
}

/** An open connection that asks and answers in turns. */
class Conversation {
  readonly #socket: net.Socket;
  constructor(options: net.NetConnectOpts) {
    this.#socket = net.connect(options);
    this.#socket.on('error', () => this.#socket.destroy());
  }

  ask(text: string): Promise<string> {
    return new Promise((resolve) => {
      this.#socket.once('data', (data: Buffer) => resolve(data.toString()));
      this.#socket.once('close', () => resolve('closed'));
      if (this.#socket.destroyed) resolve('closed');
      else this.#socket.write(text);
    });
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

async function ask(options: net.NetConnectOpts, text: string): Promise<string> {
  using conversation = new Conversation(options);
  return await conversation.ask(text);
}

async function askUdp(port: number, text: string): Promise<string> {
  const socket = dgram.createSocket('udp4');
  const answer = once(socket, 'message');
  socket.send(text, port, '127.0.0.1');
  const [message] = (await answer) as [Buffer];
  socket.close();
  return message.toString();
}

function tcp(host: number): Member['ports'][number] {
  return { host, guest: 80, protocol: 'tcp' };
}

describe.each(GVPROXY_VERSIONS)('with gvproxy %s', (version) => {
  const gvproxy = gvproxyPath(version);

  test.skipIf(!gvproxy || !canRunGuests())(
    'ports of every kind lead to the guest, and change while a connection stays open',
    async () => {
      await using network = await NetworkProcess.start({ gvproxy });
      const [one, two, udp] = [await freePort('tcp'), await freePort('tcp'), await freePort('udp')];
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
      const port = await freePort('tcp');
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
        other.tell(`192.168.127.2 80 y${restarts}`);
        await other.says(new RegExp(`got web: y${restarts}`));
      }
      expect((await network.state()).members['web']?.connected).toBe(true);
      expect(await network.log()).toContain('gvproxy ended (SIGKILL); krun starts it again in 100 ms');
      expect(await network.log()).toContain('is ready again; links and ports work as before');
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
      first.tell('192.168.127.3 80 hello');
      await first.says(/got db: hello/);
      const server = net.createServer((socket) => socket.end('from the host')).listen(0, '127.0.0.1');
      await once(server, 'listening');
      first.tell(`192.168.127.254 ${(server.address() as net.AddressInfo).port} hello`);
      await first.says(/got from the host/);
      server.close();
      first.kill();
      await expect.poll(async () => (await network.state()).members['web']?.connected).toBe(false);
      await network.guest(web, echo('web2'));
      await expect.poll(async () => (await network.state()).members['web']?.connected).toBe(true);
      other.tell('192.168.127.2 80 again');
      await other.says(/got web2: again/);
    },
  );
});

test.skipIf(!gvproxyPath('0.8.9') || !canRunGuests())('another subnet has its own addresses', async () => {
  const uplink = { kind: 'gvproxy', subnet: '10.9.8.0/24', mtu: 1500, hostAccess: true } as const;
  await using network = await NetworkProcess.start({ gvproxy: gvproxyPath('0.8.9'), uplink });
  const port = await freePort('tcp');
  const web = network.member(2, { ip: '10.9.8.2', ports: [tcp(port)] });
  await network.put('web', web);
  const guest = await network.guest(web, echo('web'));
  expect(await ask({ host: '127.0.0.1', port }, 'a')).toBe('web: a');
  const server = net.createServer((socket) => socket.end('from the host')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  guest.tell(`10.9.8.254 ${(server.address() as net.AddressInfo).port} hello`);
  await guest.says(/got from the host/);
  server.close();
  expect((await network.state()).gateway).toBe('10.9.8.1');
});

import dgram from 'node:dgram';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import type { Forwarder } from '../../../src/network/forward-tcp.ts';
import { forwardUdp } from '../../../src/network/forward-udp.ts';
import { freePort } from '../../support/free-port.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function socketOn(port: number): Promise<dgram.Socket> {
  const socket = dgram.createSocket('udp4');
  cleanups.push(() => new Promise<void>((resolve) => socket.close(() => resolve())));
  socket.bind(port, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}

/** Says who asked, by the port that it sees. */
async function echo(port = 0): Promise<{ readonly port: number; readonly seen: Set<number> }> {
  const seen = new Set<number>();
  const socket = await socketOn(port);
  socket.on('message', (message, from) => {
    seen.add(from.port);
    socket.send(`you said ${message.toString()}`, from.port, from.address);
  });
  return { port: socket.address().port, seen };
}

async function forward(guestPort: number, idleMs?: number, guestIp = '127.0.0.1'): Promise<number> {
  const port = await freePort();
  const listen = { host: '127.0.0.1', port };
  const options = { listen, guestIp, guestPort, ...(idleMs === undefined ? {} : { idleMs }) };
  const forwarder: Forwarder = await forwardUdp(options);
  cleanups.push(() => forwarder.close());
  return port;
}

async function ask(socket: dgram.Socket, port: number, text: string): Promise<string> {
  const answer = once(socket, 'message');
  socket.send(text, port, '127.0.0.1');
  const [message] = (await answer) as [Buffer];
  return message.toString();
}

test('each client gets its own answers', async () => {
  const guest = await echo();
  const port = await forward(guest.port);
  const clients = await Promise.all(Array.from({ length: 5 }, () => socketOn(0)));
  const answers = await Promise.all(clients.map((client, index) => ask(client, port, `n${index}`)));
  expect(answers).toEqual(['you said n0', 'you said n1', 'you said n2', 'you said n3', 'you said n4']);
  expect(guest.seen.size).toBe(5);
  await ask(clients[0] ?? (await socketOn(0)), port, 'again');
  expect(guest.seen.size).toBe(5);
});

test('datagrams that come in a burst keep their borders and order', async () => {
  const guest = await socketOn(0);
  const got: string[] = [];
  guest.on('message', (message) => got.push(message.toString()));
  const port = await forward(guest.address().port);
  const client = await socketOn(0);
  for (let n = 0; n < 10; n += 1) client.send(`datagram ${n}`, port, '127.0.0.1');
  await expect.poll(() => got.length).toBe(10);
  expect(got).toEqual(Array.from({ length: 10 }, (_, n) => `datagram ${n}`));
});

test('a guest that listens later is reached then', async () => {
  const guestPort = await freePort();
  const port = await forward(guestPort);
  const client = await socketOn(0);
  client.send('too early', port, '127.0.0.1');
  await echo(guestPort);
  let answer: string | undefined;
  client.on('message', (message) => (answer = message.toString()));
  await expect
    .poll(() => {
      client.send('now', port, '127.0.0.1');
      return answer;
    })
    .toBe('you said now');
});

test('a guest to which the system has no way loses datagrams, and nobody else does', async () => {
  const unhandled: unknown[] = [];
  const note = (error: unknown): void => void unhandled.push(error);
  process.on('uncaughtException', note);
  cleanups.push(() => process.off('uncaughtException', note));
  // Nobody may connect to it.
  const nowhere = await forward(9, undefined, '255.255.255.255');
  const guest = await echo();
  const port = await forward(guest.port);
  const client = await socketOn(0);
  for (const text of ['one', 'two']) {
    client.send('lost', nowhere, '127.0.0.1');
    expect(await ask(client, port, text)).toBe(`you said ${text}`);
  }
  expect(unhandled).toEqual([]);
});

test('a client that was silent for long is a new one', async () => {
  const guest = await echo();
  const port = await forward(guest.port, 20);
  const client = await socketOn(0);
  await ask(client, port, 'one');
  await expect
    .poll(
      async () => {
        await ask(client, port, 'again');
        return guest.seen.size;
      },
      { interval: 60 },
    )
    .toBeGreaterThan(1);
});

test('closing frees the port', async () => {
  const port = await freePort();
  const listen = { host: '127.0.0.1', port };
  const first = await forwardUdp({ listen, guestIp: '127.0.0.1', guestPort: 9 });
  await expect(forwardUdp({ listen, guestIp: '127.0.0.1', guestPort: 9 })).rejects.toMatchObject({
    code: 'EADDRINUSE',
  });
  await first.close();
  const isFree = async (): Promise<boolean> => {
    await (await forwardUdp({ listen, guestIp: '127.0.0.1', guestPort: 9 })).close();
    return true;
  };
  // A process that another test's thread has just forked has the socket, too, until it is another program.
  await expect.poll(isFree).toBe(true);
});

import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { forwardTcp, type Forwarder } from '../../../src/network/forward-tcp.ts';
import { freePort } from '../../support/free-port.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** A server that stands for the guest's. */
async function guest(serve: (socket: net.Socket) => unknown): Promise<number> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    serve(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A client that is gone before the forwarder closes, and resets what is still open. */
function connect(options: net.NetConnectOpts): net.Socket {
  const client = net.connect(options);
  client.on('error', () => undefined);
  cleanups.push(() => client.destroy());
  return client;
}

async function forward(guestPort: number, listen?: { path: string }): Promise<net.NetConnectOpts> {
  const where = listen ?? { host: '127.0.0.1', port: await freePort() };
  const forwarder: Forwarder = await forwardTcp({ listen: where, guestIp: '127.0.0.1', guestPort });
  cleanups.push(() => forwarder.close());
  return where;
}

/** All that comes until the other side has finished; this side stays open, other than with an async iterator. */
async function untilEnd(socket: net.Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on('data', (bytes) => chunks.push(bytes));
  await once(socket, 'end');
  return Buffer.concat(chunks);
}

test('a half-closed connection still carries the answer', async () => {
  const port = await guest(async (socket) => {
    const question = await untilEnd(socket);
    socket.end(`${question.length} bytes`);
  });
  const client = connect({ ...(await forward(port)), allowHalfOpen: true });
  client.end(Buffer.alloc(1_000_000, 'x'));
  expect((await untilEnd(client)).toString()).toBe('1000000 bytes');
});

test('a guest that reads slowly holds the client back, and nothing is lost', async () => {
  const total = 64 * 1024 * 1024;
  let slow: net.Socket | undefined;
  let received = 0;
  const port = await guest((socket) => {
    slow = socket;
    socket.on('data', (bytes) => (received += bytes.length));
    socket.pause();
  });
  const client = connect(await forward(port));
  client.end(Buffer.alloc(total));
  let waiting = -1;
  // Until what the sockets on the way take is taken.
  await expect
    .poll(
      () => {
        const before = waiting;
        waiting = client.writableLength;
        return slow !== undefined && waiting === before;
      },
      { interval: 100 },
    )
    .toBe(true);
  expect(waiting).toBeGreaterThan(total / 4);
  slow?.resume();
  await expect.poll(() => received).toBe(total);
});

test('a guest that does not listen resets the client', async () => {
  const client = connect(await forward(await freePort()));
  const [error] = (await once(client, 'error')) as [NodeJS.ErrnoException];
  expect(error.code).toBe('ECONNRESET');
});

test('a guest that breaks off resets the client', async () => {
  const port = await guest((socket) => socket.once('data', () => socket.resetAndDestroy()));
  const client = connect(await forward(port));
  client.write('x');
  const [error] = (await once(client, 'error')) as [NodeJS.ErrnoException];
  expect(error.code).toBe('ECONNRESET');
});

test('a client that breaks off resets the guest', async () => {
  let told: string | undefined;
  const port = await guest((socket) => {
    socket.on('error', (error: NodeJS.ErrnoException) => (told = error.code));
    socket.once('data', () => client.resetAndDestroy());
    socket.resume();
  });
  const client: net.Socket = connect(await forward(port));
  client.write('x');
  await expect.poll(() => told).toBe('ECONNRESET');
});

test('closing ends the connections', async () => {
  const port = await guest((socket) => socket.write('hello'));
  const where = { host: '127.0.0.1', port: await freePort() };
  const forwarder = await forwardTcp({ listen: where, guestIp: '127.0.0.1', guestPort: port });
  const client = connect(where);
  await once(client, 'data');
  const broken = once(client, 'error');
  await forwarder.close();
  await broken;
  const again = async (): Promise<string | undefined> => {
    const [error] = (await once(connect(where), 'error')) as [NodeJS.ErrnoException];
    return error.code;
  };
  // A process that another test's thread has just forked has the listener, too, until it is another program.
  await expect.poll(again).toBe('ECONNREFUSED');
});

test('a unix socket leads to the guest', async () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'kf-'));
  cleanups.push(() => rmSync(directory, { recursive: true, force: true }));
  const port = await guest((socket) => socket.pipe(socket));
  const where = { path: path.join(directory, 's') };
  await forward(port, where);
  const client = connect({ ...where, allowHalfOpen: true });
  client.end('ping');
  expect((await untilEnd(client)).toString()).toBe('ping');
});

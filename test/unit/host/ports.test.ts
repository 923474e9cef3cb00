import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { freePort } from '../../support/free-port.ts';
import {
  bindProblem,
  hasOwnedSocket,
  listeningInodes,
  parseLsof,
  portHolder,
} from '../../../src/host/ports.ts';

const TABLE = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1 0 100 0 0 10 0
   1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 222 1 0 20 4 30 10 -1
   2: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 333 1 0 100 0 0 10 0
`;

test('only listening sockets of the port count, not connections', () => {
  expect(listeningInodes(TABLE, 8080, 'tcp')).toEqual(['111']);
  expect(listeningInodes(TABLE, 80, 'tcp')).toEqual(['333']);
  expect(listeningInodes(TABLE, 81, 'tcp')).toEqual([]);
});

test('a port is nobody’s where only connections close that no process has any more', () => {
  const closing =
    TABLE.split('\n')[0] +
    `
   0: 0100007F:1F90 0100007F:C350 05 00000000:00000000 00:00000000 00000000     0        0 0 1 0 20 4 30 10 -1
   1: 0100007F:1F90 0100007F:C352 06 00000000:00000000 03:00001770 00000000     0        0 0 3 0
`;
  expect(hasOwnedSocket(closing, 8080)).toBe(false);
  expect(hasOwnedSocket(TABLE, 8080)).toBe(true);
  expect(hasOwnedSocket(TABLE, 81)).toBe(false);
});

test('lsof names the first process', () => {
  expect(parseLsof('p123\ncnode\nf20\np456\ncother\n')).toEqual({ pid: 123, name: 'node' });
  expect(parseLsof('')).toBeUndefined();
});

test('a listening tcp port is held by its process, and free after it closes', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  expect(await portHolder(port, 'tcp')).toMatchObject({ pid: process.pid });
  expect(await bindProblem(port, 'tcp')).toBe('in-use');
  expect(await bindProblem(port, 'tcp', '127.0.0.1')).toBe('in-use');
  server.close();
  await once(server, 'close');
  // A process that another test's thread has just forked has the socket, too, until it is another program.
  await expect.poll(() => portHolder(port, 'tcp')).toBeUndefined();
  await expect.poll(() => bindProblem(port, 'tcp')).toBeUndefined();
});

test('a bound udp port is held by its process', async () => {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  expect(await portHolder(port, 'udp')).toMatchObject({ pid: process.pid });
  expect(await bindProblem(port, 'udp')).toBe('in-use');
  socket.close();
  await once(socket, 'close');
  await expect.poll(() => bindProblem(port, 'udp')).toBeUndefined();
});

// macOS has no second address of the loopback interface.
const onLinux = test.skipIf(process.platform !== 'linux');

onLinux.each(['tcp', 'udp'] as const)(
  'a %s port is free on an address on which nobody listens',
  async (protocol) => {
    const port = await freePort();
    const server = createServer().listen(port, '127.0.0.2');
    await once(server, 'listening');
    expect(await bindProblem(port, protocol, '127.0.0.1')).toBeUndefined();
    server.close();
    await once(server, 'close');
  },
);

onLinux('the holder of a port is the one on the same address', () => {
  const table = TABLE.replace('00000000:0050', '0200007F:1F90');
  expect(listeningInodes(table, 8080, 'tcp', '127.0.0.2')).toEqual(['333']);
  expect(listeningInodes(table, 8080, 'tcp', '127.0.0.1')).toEqual(['111']);
  expect(listeningInodes(table, 8080, 'tcp')).toEqual(['111', '333']);
});

test.each(['tcp', 'udp'] as const)('a %s port of an address that is none of this host', async (protocol) => {
  expect(await bindProblem(40_000, protocol, '192.0.2.77')).toBe('no-such-address');
});

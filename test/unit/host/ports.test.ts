import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { isPortFree, listeningInodes, parseLsof, portHolder } from '../../../src/host/ports.ts';

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

test('lsof names the first process', () => {
  expect(parseLsof('p123\ncnode\nf20\np456\ncother\n')).toEqual({ pid: 123, name: 'node' });
  expect(parseLsof('')).toBeUndefined();
});

test('a listening tcp port is held by its process, and free after it closes', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  expect(await portHolder(port, 'tcp')).toMatchObject({ pid: process.pid });
  expect(await isPortFree(port)).toBe(false);
  server.close();
  await once(server, 'close');
  expect(await portHolder(port, 'tcp')).toBeUndefined();
  expect(await isPortFree(port)).toBe(true);
});

test('a bound udp port is held by its process', async () => {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  expect(await portHolder(port, 'udp')).toMatchObject({ pid: process.pid });
  expect(await isPortFree(port, 'udp')).toBe(false);
  socket.close();
  await once(socket, 'close');
  expect(await isPortFree(port, 'udp')).toBe(true);
});

import { expect, test } from 'vitest';
import type { BoundHostPort, BoundPort } from '../../../src/network/api.ts';
import { portJson, portTable } from '../../../src/view/port.ts';
import { hostEnd, portTexts, publishedPorts } from '../../../src/view/ports.ts';
import { exampleMachine } from './fixtures.ts';

function port(host: number, guest: number, more: Partial<BoundHostPort> = {}): BoundHostPort {
  return { host, hostIp: '127.0.0.1', guest, protocol: 'tcp', ...more };
}

/** Published through TSI. */
const ANYWHERE: BoundPort = { host: 8080, guest: 80, protocol: 'tcp' };
const SOCKET = { socket: '/run/web.sock', guest: 80, protocol: 'tcp' } as const;

test.each<[string, readonly BoundPort[], readonly string[]]>([
  ['one', [port(8080, 80)], ['127.0.0.1:8080->80/tcp']],
  ['the guest decides the address', [ANYWHERE], ['8080->80/tcp']],
  [
    'a range, in any order',
    [port(8002, 8002), port(8000, 8000), port(8001, 8001)],
    ['127.0.0.1:8000-8002->8000-8002/tcp'],
  ],
  ['a range to other numbers', [port(9000, 80), port(9001, 81)], ['127.0.0.1:9000-9001->80-81/tcp']],
  [
    'neighbours that lead elsewhere are no range',
    [port(9000, 80), port(9001, 80), port(9002, 79)],
    ['127.0.0.1:9000->80/tcp', '127.0.0.1:9001->80/tcp', '127.0.0.1:9002->79/tcp'],
  ],
  ['a gap', [port(1, 1), port(2, 2), port(4, 4)], ['127.0.0.1:1-2->1-2/tcp', '127.0.0.1:4->4/tcp']],
  [
    'addresses and protocols are kept apart',
    [
      port(53, 53),
      port(53, 53, { protocol: 'udp' }),
      port(54, 54, { hostIp: '::1' }),
      port(54, 54, { protocol: 'udp' }),
    ],
    ['127.0.0.1:53->53/tcp', '127.0.0.1:53-54->53-54/udp', '[::1]:54->54/tcp'],
  ],
  ['sockets come last', [SOCKET, port(1, 1)], ['127.0.0.1:1->1/tcp', '/run/web.sock->80/tcp']],
])('ports as text: %s', (_, ports, texts) => {
  expect(portTexts(ports)).toEqual(texts);
});

test.each<[BoundPort, string]>([
  [port(8080, 80), '127.0.0.1:8080'],
  [port(8080, 80, { hostIp: '0.0.0.0' }), '0.0.0.0:8080'],
  [port(8080, 80, { hostIp: '::' }), '[::]:8080'],
  [ANYWHERE, '127.0.0.1:8080'],
  [SOCKET, '/run/web.sock'],
])('the host end of %j is %s', (bound, text) => {
  expect(hostEnd(bound)).toBe(text);
});

test('a machine that does not run publishes nothing', () => {
  const definition = exampleMachine('web', { ports: [port(8080, 80)] });
  const endpoint = { ports: [port(8080, 80)] };
  const since = '2026-01-02T11:57:55Z';
  const exited = { status: 'exited', run: 1, since, exit: { code: 0 } } as const;
  const running = { status: 'running', run: 1, since } as const;
  expect(publishedPorts({ machine: 'web', definition, endpoint, state: exited })).toEqual([]);
  expect(publishedPorts({ machine: 'web', definition, endpoint, state: running })).toEqual(endpoint.ports);
});

test('without an endpoint the fixed ports of the definition count', () => {
  const definition = exampleMachine('web', {
    ports: [{ host: 'auto', guest: 81, protocol: 'tcp' }, port(8080, 80), SOCKET],
  });
  const state = { status: 'running', run: 1, since: '2026-01-02T11:57:55Z' } as const;
  expect(publishedPorts({ machine: 'web', definition, state })).toEqual([port(8080, 80), SOCKET]);
});

test('the table has names where there are some', () => {
  const published = [
    { machine: 'web', port: port(8080, 80, { name: 'http' }) },
    { machine: 'web', port: SOCKET },
    { machine: 'dns', port: port(5353, 53, { protocol: 'udp' }) },
  ];
  expect(portTable(published, undefined)).toMatchInlineSnapshot(`
    "MACHINE   PORT     NAME   HOST
    web       80/tcp   http   127.0.0.1:8080
    web       80/tcp          /run/web.sock
    dns       53/udp          127.0.0.1:5353"
  `);
  expect(portTable(published.slice(1), undefined)).toMatchInlineSnapshot(`
    "MACHINE   PORT     HOST
    web       80/tcp   /run/web.sock
    dns       53/udp   127.0.0.1:5353"
  `);
  expect(published.map(portJson)).toMatchInlineSnapshot(`
    [
      "{"machine":"web","guest":80,"protocol":"tcp","name":"http","hostIp":"127.0.0.1","host":8080,"address":"127.0.0.1:8080"}",
      "{"machine":"web","guest":80,"protocol":"tcp","socket":"/run/web.sock","address":"/run/web.sock"}",
      "{"machine":"dns","guest":53,"protocol":"udp","hostIp":"127.0.0.1","host":5353,"address":"127.0.0.1:5353"}",
    ]
  `);
});

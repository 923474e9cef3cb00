import { describe, expect, it } from 'vitest';
import type { SwitchOptions } from '../../../src/network/switch.ts';
import { clientFrame, describeReply, type ClientMessage } from './support/dhcp.ts';
import { ethernet, GATEWAY, ipv4, udp } from './support/frames.ts';
import { createNetwork } from './support/network.ts';
import { settle } from './support/peer.ts';

const DISCOVER = 1;
const REQUEST = 3;
const DECLINE = 4;
const RELEASE = 7;
const INFORM = 8;
const MAC = '02:00:00:00:00:01';
const TO_GATEWAY = { to: GATEWAY };

/** What the first of two machines hears; nobody else may hear anything. */
async function transcript(
  message: Omit<ClientMessage, 'mac'>,
  options: Partial<SwitchOptions> = {},
): Promise<string> {
  return heard(clientFrame({ mac: MAC, ...message }), options);
}

async function heard(frame: Buffer, options: Partial<SwitchOptions> = {}): Promise<string> {
  const { members, uplink } = createNetwork(2, options);
  members[0]!.send(frame);
  await settle();
  expect([members[1]!.received, uplink.received]).toEqual([[], []]);
  return members[0]!.received.map(describeReply).join('\n\n');
}

it('an offer has all that a machine needs', async () => {
  expect(await transcript({ type: DISCOVER })).toMatchInlineSnapshot(`
    "5a:94:ef:e4:0c:dd > 02:00:00:00:00:01, 192.168.127.1:67 > 192.168.127.2:68
    op 2 xid 12345678 flags 0000
    ciaddr 0.0.0.0 yiaddr 192.168.127.2 siaddr 0.0.0.0 chaddr 020000000001
    53 message type: OFFER
    54 server identifier: 192.168.127.1
    51 lease time: 86400 s
    1 subnet mask: 255.255.255.0
    3 router: 192.168.127.1
    6 name servers: 192.168.127.1
    26 mtu: 1500
    28 broadcast address: 192.168.127.255
    12 host name: m1
    15 domain name: krun.internal
    119 search list: krun.internal"
  `);
});

it('rapid commit is answered at once, which is all that libkrun needs', async () => {
  expect(await transcript({ type: DISCOVER, options: [[80, '']] })).toMatchInlineSnapshot(`
    "5a:94:ef:e4:0c:dd > 02:00:00:00:00:01, 192.168.127.1:67 > 192.168.127.2:68
    op 2 xid 12345678 flags 0000
    ciaddr 0.0.0.0 yiaddr 192.168.127.2 siaddr 0.0.0.0 chaddr 020000000001
    53 message type: ACK
    54 server identifier: 192.168.127.1
    51 lease time: 86400 s
    80 rapid commit: 
    1 subnet mask: 255.255.255.0
    3 router: 192.168.127.1
    6 name servers: 192.168.127.1
    26 mtu: 1500
    28 broadcast address: 192.168.127.255
    12 host name: m1
    15 domain name: krun.internal
    119 search list: krun.internal"
  `);
});

it('the address that was offered is acknowledged', async () => {
  const options = [
    [50, '192.168.127.2'],
    [54, GATEWAY.ip],
    [61, '01020000000001'],
  ] as const;
  expect(await transcript({ type: REQUEST, options })).toMatchInlineSnapshot(`
    "5a:94:ef:e4:0c:dd > 02:00:00:00:00:01, 192.168.127.1:67 > 192.168.127.2:68
    op 2 xid 12345678 flags 0000
    ciaddr 0.0.0.0 yiaddr 192.168.127.2 siaddr 0.0.0.0 chaddr 020000000001
    53 message type: ACK
    54 server identifier: 192.168.127.1
    61 client identifier: 01020000000001
    51 lease time: 86400 s
    1 subnet mask: 255.255.255.0
    3 router: 192.168.127.1
    6 name servers: 192.168.127.1
    26 mtu: 1500
    28 broadcast address: 192.168.127.255
    12 host name: m1
    15 domain name: krun.internal
    119 search list: krun.internal"
  `);
});

it('a lease is renewed from address to address', async () => {
  expect(await transcript({ type: REQUEST, ciaddr: '192.168.127.2', ...TO_GATEWAY })).toMatchInlineSnapshot(`
    "5a:94:ef:e4:0c:dd > 02:00:00:00:00:01, 192.168.127.1:67 > 192.168.127.2:68
    op 2 xid 12345678 flags 0000
    ciaddr 192.168.127.2 yiaddr 192.168.127.2 siaddr 0.0.0.0 chaddr 020000000001
    53 message type: ACK
    54 server identifier: 192.168.127.1
    51 lease time: 86400 s
    1 subnet mask: 255.255.255.0
    3 router: 192.168.127.1
    6 name servers: 192.168.127.1
    26 mtu: 1500
    28 broadcast address: 192.168.127.255
    12 host name: m1
    15 domain name: krun.internal
    119 search list: krun.internal"
  `);
});

it('a foreign address is refused, for all to hear, so that the client asks anew', async () => {
  const options = [
    [50, '192.168.127.99'],
    [54, GATEWAY.ip],
    [61, 'ff01'],
  ] as const;
  expect(await transcript({ type: REQUEST, options })).toMatchInlineSnapshot(`
    "5a:94:ef:e4:0c:dd > ff:ff:ff:ff:ff:ff, 192.168.127.1:67 > 255.255.255.255:68
    op 2 xid 12345678 flags 0000
    ciaddr 0.0.0.0 yiaddr 0.0.0.0 siaddr 0.0.0.0 chaddr 020000000001
    53 message type: NAK
    54 server identifier: 192.168.127.1
    61 client identifier: ff01"
  `);
});

it('settings are told without an address to whom has one', async () => {
  expect(await transcript({ type: INFORM, ciaddr: '192.168.127.2' })).toMatchInlineSnapshot(`
    "5a:94:ef:e4:0c:dd > 02:00:00:00:00:01, 192.168.127.1:67 > 192.168.127.2:68
    op 2 xid 12345678 flags 0000
    ciaddr 192.168.127.2 yiaddr 0.0.0.0 siaddr 0.0.0.0 chaddr 020000000001
    53 message type: ACK
    54 server identifier: 192.168.127.1
    1 subnet mask: 255.255.255.0
    3 router: 192.168.127.1
    6 name servers: 192.168.127.1
    26 mtu: 1500
    28 broadcast address: 192.168.127.255
    12 host name: m1
    15 domain name: krun.internal
    119 search list: krun.internal"
  `);
});

it('name servers, search domains, MTU and name are those of the network', async () => {
  const reply = await transcript(
    { type: DISCOVER },
    { nameservers: ['1.1.1.1', '9.9.9.9'], searchDomains: ['corp.example'], mtu: 9000 },
  );
  const lines = reply.split('\n').filter((line) => /^(6|12|26|119) /.test(line));
  expect(lines).toMatchInlineSnapshot(`
    [
      "6 name servers: 1.1.1.1 9.9.9.9",
      "26 mtu: 9000",
      "12 host name: m1",
      "119 search list: krun.internal corp.example",
    ]
  `);
});

describe('a request', () => {
  const firstLines = async (message: Omit<ClientMessage, 'mac'>): Promise<string> => {
    const lines = (await transcript(message)).split('\n');
    return lines
      .filter((line, index) => index === 0 || line.startsWith('53 '))
      .join(', ')
      .replace(/^.* > /, '');
  };

  it.each<[string, Omit<ClientMessage, 'mac'>, string]>([
    [
      'after a restart for its own address',
      { type: REQUEST, options: [[50, '192.168.127.2']] },
      '192.168.127.2:68, 53 message type: ACK',
    ],
    [
      'after a restart for an address of another network',
      { type: REQUEST, options: [[50, '10.0.0.5']] },
      '255.255.255.255:68, 53 message type: NAK',
    ],
    [
      'to everybody for its own address',
      { type: REQUEST, ciaddr: '192.168.127.2' },
      '192.168.127.2:68, 53 message type: ACK',
    ],
    [
      'that renews an address that it had before',
      { type: REQUEST, ciaddr: '192.168.127.50', ...TO_GATEWAY },
      '255.255.255.255:68, 53 message type: NAK',
    ],
    ['without any address', { type: REQUEST }, '255.255.255.255:68, 53 message type: NAK'],
    [
      'by a client that hears broadcasts only',
      { type: DISCOVER, flags: 0x8000 },
      '255.255.255.255:68, 53 message type: OFFER',
    ],
  ])('%s', async (_, message, expected) => {
    expect(await firstLines(message)).toBe(expected);
  });
});

it.each<[string, Omit<ClientMessage, 'mac'>]>([
  [
    "another server's offer was taken",
    {
      type: REQUEST,
      options: [
        [54, '192.168.127.9'],
        [50, '192.168.127.2'],
      ],
    },
  ],
  ['the address is given back', { type: RELEASE, ciaddr: '192.168.127.2', ...TO_GATEWAY }],
  [
    'the address is in use',
    {
      type: DECLINE,
      options: [
        [50, '192.168.127.2'],
        [54, GATEWAY.ip],
      ],
    },
  ],
  ['it is for somebody behind a relay', { type: DISCOVER, giaddr: '192.168.127.7' }],
  ['who asks for settings has no address', { type: INFORM }],
  ['the type is unknown', { type: 99 }],
])('nobody hears anything where %s', async (_, message) => {
  expect(await transcript(message)).toBe('');
});

it('a machine asks for itself only', async () => {
  const message = clientFrame({ mac: '02:00:00:00:00:02', type: DISCOVER });
  // The frame is its own, the message is in the name of another.
  Buffer.from(MAC.replaceAll(':', ''), 'hex').copy(message, 6);
  expect(await heard(message)).toBe('');
});

it.each([
  ['is empty', Buffer.alloc(0), ''],
  ['ends before the cookie', Buffer.alloc(239, 1), ''],
  ['has no cookie', Buffer.concat([Buffer.of(1, 1, 6), Buffer.alloc(297)]), ''],
  ['has options that go beyond its end', withOptions(Buffer.of(53, 1, DISCOVER, 61, 200, 1)), 'OFFER'],
  ['has a type without a length', withOptions(Buffer.of(53)), ''],
  ['is an answer', withOptions(Buffer.of(53, 1, DISCOVER, 255), 2), ''],
])('what %s does no harm', async (_, message, expected) => {
  const packet = ipv4({
    from: '0.0.0.0',
    to: '255.255.255.255',
    protocol: 17,
    payload: udp(67, message, 68),
  });
  const reply = await heard(ethernet('ff:ff:ff:ff:ff:ff', MAC, 0x0800, packet));
  expect(/message type: (\w+)/.exec(reply)?.[1] ?? reply).toBe(expected);
});

it('options may lie in the fields for names', async () => {
  const message = withOptions(Buffer.of(52, 1, 3, 53, 1, 0xff));
  message[240 + 3] = 255;
  message.set([53, 1, DISCOVER, 255], 108);
  const packet = ipv4({
    from: '0.0.0.0',
    to: '255.255.255.255',
    protocol: 17,
    payload: udp(67, message, 68),
  });
  expect(await heard(ethernet('ff:ff:ff:ff:ff:ff', MAC, 0x0800, packet))).toContain('53 message type: OFFER');
});

it('what does not fit into the message that a client takes is left out, the least important first', async () => {
  const searchDomains = Array.from({ length: 20 }, (_, index) => `a-rather-long-domain-${index}.example`);
  const small = await transcript({ type: DISCOVER }, { searchDomains });
  const large = await transcript({ type: DISCOVER, options: [[57, '05dc']] }, { searchDomains });
  expect(small).not.toContain('search list');
  expect(small).toContain('15 domain name: krun.internal');
  expect(large.match(/119 search list/g)).toHaveLength(3);
});

it('the bytes of an offer', async () => {
  const { members } = createNetwork(1);
  members[0]!.send(clientFrame({ mac: MAC, type: DISCOVER }));
  await settle();
  expect(members[0]!.received[0]!.toString('hex').replace(/.{64}/g, '$&\n')).toMatchInlineSnapshot(`
    "0200000000015a94efe40cdd08004500015c000040004011ba3cc0a87f01c0a8
    7f02004300440148db5602010600123456780000000000000000c0a87f020000
    0000000000000200000000010000000000000000000000000000000000000000
    0000000000000000000000000000000000000000000000000000000000000000
    0000000000000000000000000000000000000000000000000000000000000000
    0000000000000000000000000000000000000000000000000000000000000000
    0000000000000000000000000000000000000000000000000000000000000000
    0000000000000000000000000000000000000000000000000000000000000000
    00000000000000000000000000000000000000000000638253633501023604c0
    a87f013304000151800104ffffff000304c0a87f010604c0a87f011a0205dc1c
    04c0a87fff0c026d310f0d6b72756e2e696e7465726e616c770f046b72756e08
    696e7465726e616c00ff"
  `);
});

function withOptions(options: Buffer, op = 1): Buffer {
  const head = Buffer.alloc(240);
  head.set([op, 1, 6], 0);
  head.write(MAC.replaceAll(':', ''), 28, 'hex');
  head.writeUInt32BE(0x6382_5363, 236);
  return Buffer.concat([head, options]);
}

import { describe, expect, it } from 'vitest';
import { formatIpv4 } from '../../../src/base/ipv4.ts';
import { address, ethernet, GATEWAY, ipv4, onesComplement, tcp, udp, type Ipv4 } from './support/frames.ts';
import { createNetwork } from './support/network.ts';
import { settle } from './support/peer.ts';

const MORE = 0x2000;
const SYN_ACK = 0x12;
const PUBLIC = '93.184.216.34';
const HOST = '192.168.127.254';

/** What of these frames comes out at gvproxy, when the first member sends them. */
async function passing(
  frames: readonly Buffer[],
  hostAccess = true,
  hostAddresses: readonly string[] = [],
): Promise<readonly Buffer[]> {
  const { members, uplink, subject } = createNetwork(2, { hostAccess, hostAddresses: () => hostAddresses });
  members[0]!.send(...frames);
  await settle();
  const { dropped } = subject.counters('m1')!.sent;
  expect(uplink.received.length + dropped, 'what does not pass is counted').toBe(frames.length);
  expect(members[1]!.received).toEqual([]);
  expect(members[0]!.received.filter((frame) => describeIcmp(frame) === undefined)).toEqual([]);
  return uplink.received;
}

/** An ICMP message as text: from, to, type and code, what it quotes; undefined for other frames and broken ones. */
function describeIcmp(frame: Buffer): string | undefined {
  const packet = frame.subarray(14);
  const message = packet.subarray(20);
  if (
    packet[9] !== 1 ||
    packet.readUInt16BE(2) !== packet.length ||
    onesComplement(packet.subarray(0, 20)) !== 0
  ) {
    return undefined;
  }
  if (onesComplement(message) !== 0) return undefined;
  const [from, to] = [12, 16].map((at) => formatIpv4(packet.readUInt32BE(at)));
  return `${from} > ${to} type ${message[0]} code ${message[1]} about ${message.toString('hex', 8)}`;
}

/** A packet of the first member for the gateway's station. */
function packet(fields: Partial<Ipv4>): Buffer {
  return raw(ipv4({ from: '192.168.127.2', to: GATEWAY.ip, protocol: 6, payload: tcp(80), ...fields }));
}

function raw(bytes: Buffer, type = 0x0800): Buffer {
  return ethernet(GATEWAY.mac, '02:00:00:00:00:01', type, bytes);
}

describe("gvproxy's forwarder API", () => {
  const sixtyBytes = { options: Buffer.alloc(40, 1) };
  const looseSource = {
    options: Buffer.concat([Buffer.from([131, 7, 4]), address(GATEWAY.ip), Buffer.of(0)]),
  };
  const api = tcp(80);
  const dns = tcp(53);

  it.each<[string, readonly Buffer[]]>([
    ['plainly', [packet({})]],
    ['behind IPv4 options', [packet(sixtyBytes), packet(looseSource)]],
    ['behind options that look like a header with another port', [packet({ options: tcp(443) })]],
    [
      'in two fragments',
      [
        packet({ payload: api.subarray(0, 8), fragment: MORE }),
        packet({ payload: api.subarray(8), fragment: 1 }),
      ],
    ],
    [
      'with a first fragment too short for the port',
      [packet({ payload: api.subarray(0, 2), fragment: MORE })],
    ],
    [
      'with a last fragment that overlaps the ports',
      [packet({ payload: dns, fragment: MORE }), packet({ payload: api })],
    ],
    [
      'with fragments that only claim to be later ones',
      [packet({ payload: api, fragment: 1 }), packet({ payload: api, fragment: 0x1fff })],
    ],
    [
      'with an allowed first fragment that is written over',
      [packet({ payload: dns, fragment: MORE }), packet({ payload: api, fragment: MORE })],
    ],
    ['with a reserved bit', [packet({ fragment: 0x8000 })]],
    ['forbidding fragments', [packet({ fragment: 0x4000 })]],
    [
      'in a frame that ends before the port',
      [raw(ipv4({ from: '192.168.127.2', to: GATEWAY.ip, protocol: 6, payload: api }).subarray(0, 22))],
    ],
    [
      'with a VLAN tag',
      [
        raw(Buffer.concat([Buffer.from('00010800', 'hex'), packet({}).subarray(14)]), 0x8100),
        raw(
          Buffer.concat([
            Buffer.from('000181000001', 'hex'),
            Buffer.from('0800', 'hex'),
            packet({}).subarray(14),
          ]),
          0x88a8,
        ),
      ],
    ],
    [
      'as IPv6, which gvproxy does not speak',
      [raw(Buffer.concat([Buffer.from('6000000000140640', 'hex'), Buffer.alloc(32), api]), 0x86dd)],
    ],
    [
      'as IPv6 that calls itself IPv4',
      [raw(Buffer.concat([Buffer.from('6000000000140640', 'hex'), Buffer.alloc(32), api]))],
    ],
    [
      'with a header length that is none',
      [0x40, 0x41, 0x44, 0x4f].map((first) => {
        const bytes = ipv4({ from: '192.168.127.2', to: GATEWAY.ip, protocol: 6, payload: api });
        bytes[0] = first;
        return raw(bytes.subarray(0, 40));
      }),
    ],
    ['with a length of 802.3 for a type', [raw(packet({}).subarray(14), 40)]],
  ])('is not reached %s', async (_, frames) => {
    expect(await passing(frames)).toEqual([]);
  });

  it.each<[string, readonly Buffer[]]>([
    ["another port of the gateway's", [packet({ payload: tcp(53) })]],
    ['port 80 of the world', [packet({ to: PUBLIC }), packet({ to: PUBLIC, ...sixtyBytes })]],
    ['port 80 of the host', [packet({ to: HOST })]],
    ['an answer from port 80', [packet({ payload: tcp(40_000, 80, SYN_ACK) })]],
    ['port 80 of UDP', [packet({ protocol: 17, payload: udp(80, Buffer.alloc(0)) })]],
    [
      'fragments for the world',
      [
        packet({ to: PUBLIC, payload: api.subarray(0, 8), fragment: MORE }),
        packet({ to: PUBLIC, payload: api.subarray(8), fragment: 1 }),
      ],
    ],
    ['a ping', [packet({ protocol: 1, payload: Buffer.from('0800f7ff00000000', 'hex') })]],
  ])('is not %s, which passes', async (_, frames) => {
    expect(await passing(frames)).toEqual(frames);
  });
});

describe('without host access', () => {
  const own = ['10.0.0.7', '10.0.0.255', 'fe80::1', '172.17.0.1'];
  const icmp = { protocol: 1, payload: Buffer.alloc(8) };

  it.each([
    HOST,
    '127.0.0.1',
    '127.255.255.254',
    '0.0.0.0',
    '0.1.2.3',
    '10.0.0.7',
    '10.0.0.255',
    '172.17.0.1',
    '224.0.0.251',
    '239.255.255.250',
    '255.255.255.255',
    '192.168.127.255',
  ])('%s is not reached, by no protocol and in no fragment', async (to) => {
    const frames = [
      packet({ to, payload: tcp(22) }),
      packet({ to, protocol: 17, payload: udp(53, Buffer.alloc(20)) }),
      packet({ to, ...icmp }),
      packet({ to, ...icmp, fragment: 5 }),
      packet({ to, ...icmp, options: Buffer.alloc(8, 1) }),
    ];
    expect(await passing(frames, false, own)).toEqual([]);
  });

  it('the world and the name server are reached', async () => {
    const frames = [
      packet({ to: PUBLIC, payload: tcp(22) }),
      packet({ to: '10.0.0.8', payload: tcp(22) }),
      packet({ protocol: 17, payload: udp(53, Buffer.from('not a query')) }),
      packet({ payload: tcp(53) }),
      packet({ payload: tcp(40_000, 80, SYN_ACK) }),
    ];
    expect(await passing(frames, false, own)).toEqual(frames);
  });

  it('what gvproxy does not serve at the gateway is not reached: the host may have that address', async () => {
    expect(await passing([packet({ payload: tcp(22) })], false)).toEqual([]);
    expect(await passing([packet({ payload: tcp(22).subarray(0, 13) })], false)).toEqual([]);
  });

  it("the gateway stays one, even where the host has its address: its name server and published ports' answers are there", async () => {
    const frames = [packet({ payload: tcp(40_000, 80, SYN_ACK) }), packet({ payload: tcp(53) })];
    expect(await passing(frames, false, [GATEWAY.ip])).toEqual(frames);
  });

  it('the host is asked for its addresses no oftener than once a second', async () => {
    let asked = 0;
    const { members } = createNetwork(1, {
      hostAccess: false,
      hostAddresses: () => {
        asked++;
        return [];
      },
    });
    members[0]!.send(...Array.from({ length: 500 }, () => packet({ to: PUBLIC })));
    await settle();
    expect(asked).toBe(1);
  });
});

it('with host access all of that is reached', async () => {
  const frames = [HOST, '127.0.0.1', '10.0.0.7'].map((to) => packet({ to, payload: tcp(22) }));
  expect(await passing(frames, true, ['10.0.0.7'])).toEqual(frames);
});

it('DHCP never reaches gvproxy, whole or in fragments, whatever address it names', async () => {
  const message = Buffer.alloc(300);
  const frames = [
    packet({ protocol: 17, payload: udp(67, message, 68) }),
    packet({ protocol: 17, payload: udp(67, message, 68), to: PUBLIC }),
    packet({ protocol: 17, payload: udp(67, message, 68).subarray(0, 64), fragment: MORE }),
    packet({ protocol: 17, payload: udp(67, message, 68).subarray(0, 4) }),
  ];
  const { members, uplink } = createNetwork(1);
  members[0]!.send(...frames);
  await settle();
  expect(uplink.received).toEqual([]);
});

describe('a guest hears at once that it is refused', () => {
  const answers = async (frame: Buffer): Promise<readonly (string | undefined)[]> => {
    const { members } = createNetwork(1, { hostAccess: false });
    members[0]!.send(frame);
    await settle();
    return members[0]!.received.map(describeIcmp);
  };

  it.each<[string, Partial<Ipv4>]>([
    ['over TCP', {}],
    ['over UDP', { to: HOST, protocol: 17, payload: udp(9, Buffer.from('text')) }],
    ['behind options', { options: Buffer.alloc(40, 1) }],
  ])('%s', async (_, fields) => {
    const frame = packet(fields);
    const quoted = frame.subarray(14, 14 + (frame[14]! & 15) * 4 + 8).toString('hex');
    expect(await answers(frame)).toEqual([`${GATEWAY.ip} > 192.168.127.2 type 3 code 13 about ${quoted}`]);
  });

  it('but not about what only looks like IPv4', async () => {
    expect(await answers(raw(packet({}).subarray(14), 0x8100))).toEqual([]);
  });

  it.each<[string, Partial<Ipv4>]>([
    ['an ICMP message', { to: HOST, protocol: 1, payload: Buffer.alloc(8) }],
    ['a later fragment', { fragment: 4 }],
    ['a packet for several', { to: '224.0.0.251', protocol: 17, payload: udp(5353, Buffer.alloc(9)) }],
    ['a packet of nobody', { from: '0.0.0.0' }],
    ['a packet without ports', { payload: Buffer.alloc(7) }],
  ])('but not about %s', async (_, fields) => {
    expect(await answers(packet(fields))).toEqual([]);
  });
});

import packet from 'dns-packet';
import { describe, expect, it } from 'vitest';
import { parseIpv4 } from '../../../src/base/ipv4.ts';
import { answerDns } from '../../../src/network/dns-server.ts';
import { NameTable } from '../../../src/network/names.ts';
import { ethernet, GATEWAY, ipv4, onesComplement, udp } from './support/frames.ts';
import { createNetwork, type TestMember } from './support/network.ts';
import { settle } from './support/peer.ts';

const table = new NameTable(
  [
    { ip: at('192.168.127.1'), names: ['gateway.krun.internal'] },
    { ip: at('192.168.127.254'), names: ['host.krun.internal'] },
  ],
  [
    { ip: at('192.168.127.2'), names: ['web', 'www', 'app'] },
    { ip: at('192.168.127.3'), names: ['db', 'app', 'db.krun.internal', 'data.example.org'] },
    { ip: at('192.168.127.4'), names: ['host'] },
  ],
);

function at(text: string): number {
  return parseIpv4(text) ?? -1;
}

interface Query {
  readonly name: string;
  readonly type?: string;
  readonly edns?: boolean;
  readonly flags?: number;
}

function query({ name, type = 'A', edns = false, flags = packet.RECURSION_DESIRED }: Query): Buffer {
  const additionals = edns ? [{ type: 'OPT', name: '.', udpPayloadSize: 4096, flags: 0, options: [] }] : [];
  return packet.encode({
    type: 'query',
    id: 4711,
    flags,
    questions: [{ name, type: type as 'A' }],
    additionals: additionals as never,
  });
}

/** An answer in a line: code, then the records; undefined where the query goes on to a real server. */
function answer(asked: Query): string | undefined {
  const bytes = answerDns(table, query(asked));
  return bytes && describeAnswer(bytes);
}

function describeAnswer(bytes: Buffer): string {
  const decoded = packet.decode(bytes) as packet.DecodedPacket & { readonly rcode: string };
  const records = (decoded.answers ?? []).map(
    (record) => `${record.name} ${record.type} ${'data' in record ? (record.data as string) : ''}`,
  );
  return [decoded.rcode, ...records].join(', ');
}

describe('a name of the network', () => {
  it.each([
    ['web', 'NOERROR, web A 192.168.127.2'],
    ['web.krun.internal', 'NOERROR, web.krun.internal A 192.168.127.2'],
    ['www', 'NOERROR, www A 192.168.127.2'],
    ['DB.Krun.INTERNAL', 'NOERROR, DB.Krun.INTERNAL A 192.168.127.3'],
    ['app', 'NOERROR, app A 192.168.127.2, app A 192.168.127.3'],
    ['data.example.org', 'NOERROR, data.example.org A 192.168.127.3'],
    ['host.krun.internal', 'NOERROR, host.krun.internal A 192.168.127.254'],
    ['host', 'NOERROR, host A 192.168.127.4'],
    ['gateway.krun.internal', 'NOERROR, gateway.krun.internal A 192.168.127.1'],
  ])('%s has an address', (name, expected) => {
    expect(answer({ name })).toBe(expected);
  });

  it.each(['AAAA', 'MX', 'TXT', 'SRV', 'UNKNOWN_65', 'PTR'])('exists, but has no %s', (type) => {
    expect(answer({ name: 'web', type })).toBe('NOERROR');
  });

  it('tells its address to whom asks for anything', () => {
    expect(answer({ name: 'web', type: 'ANY' })).toBe('NOERROR, web A 192.168.127.2');
  });

  it('that nobody has does not exist: no other server can know it', () => {
    expect(answer({ name: 'nobody.krun.internal' })).toBe('NXDOMAIN');
    expect(answer({ name: 'nobody.krun.internal', type: 'AAAA' })).toBe('NXDOMAIN');
    expect(answer({ name: 'krun.internal', type: 'SOA' })).toBe('NOERROR');
  });

  it('is found by its address', () => {
    const reverse = (name: string, type = 'PTR'): string | undefined => answer({ name, type });
    expect(reverse('2.127.168.192.in-addr.arpa')).toBe(
      'NOERROR, 2.127.168.192.in-addr.arpa PTR web.krun.internal',
    );
    expect(reverse('254.127.168.192.IN-ADDR.arpa')).toBe(
      'NOERROR, 254.127.168.192.IN-ADDR.arpa PTR host.krun.internal',
    );
    expect(reverse('2.127.168.192.in-addr.arpa', 'A')).toBe('NOERROR');
    expect(reverse('9.127.168.192.in-addr.arpa')).toBeUndefined();
    expect(reverse('127.168.192.in-addr.arpa')).toBeUndefined();
    expect(reverse('999.127.168.192.in-addr.arpa')).toBeUndefined();
  });
});

describe('an answer', () => {
  it('is authoritative, and repeats identity, question and wish for recursion', () => {
    const decoded = packet.decode(answerDns(table, query({ name: 'wEb', flags: packet.RECURSION_DESIRED }))!);
    expect(decoded).toMatchObject({
      id: 4711,
      type: 'response',
      flag_aa: true,
      flag_ra: true,
      flag_rd: true,
      flag_tc: false,
    });
    expect(decoded.questions).toEqual([{ name: 'wEb', type: 'A', class: 'IN' }]);
    expect(packet.decode(answerDns(table, query({ name: 'web', flags: 0 }))!)).toMatchObject({
      flag_rd: false,
    });
  });

  it('fits into what every client takes, with as many addresses as it can', () => {
    const many = Array.from({ length: 200 }, (_, index) => ({ ip: index + 1, names: ['all'] }));
    const bytes = answerDns(new NameTable([], many), query({ name: 'all.krun.internal', edns: true }))!;
    const count = packet.decode(bytes).answers!.length;
    expect(bytes.length).toBeLessThanOrEqual(512);
    expect(bytes.length + bytes.length / count).toBeGreaterThan(512);
  });

  it('speaks EDNS to whom does', () => {
    const additionals = (edns: boolean): unknown =>
      packet.decode(answerDns(table, query({ name: 'web', edns }))!).additionals;
    expect(additionals(true)).toMatchObject([{ type: 'OPT', udpPayloadSize: 1232 }]);
    expect(additionals(false)).toEqual([]);
  });
});

describe('left to a real server is', () => {
  it.each(['example.org', 'web.example.org', 'internal', 'xkrun.internal', 'webb', 'krun.internal.org', '.'])(
    '%s',
    (name) => {
      expect(answer({ name })).toBeUndefined();
    },
  );

  it.each<[string, (bytes: Buffer) => Buffer]>([
    ['an answer', (bytes) => set(bytes, 2, 0x80)],
    ['a notification', (bytes) => set(bytes, 2, 0x20)],
    ['two questions', (bytes) => Buffer.concat([set(bytes, 5, 2), bytes.subarray(12)])],
    ['no question', (bytes) => set(bytes, 5, 0)],
    ['a query with records in it', (bytes) => set(bytes, 7, 1)],
    ['another class', (bytes) => set(bytes, bytes.length - 1, 3)],
    ['half a query', (bytes) => bytes.subarray(0, bytes.length - 3)],
    ['half a header', (bytes) => bytes.subarray(0, 11)],
    ['nothing', (bytes) => bytes.subarray(0, 0)],
    ['a label that runs out', (bytes) => set(bytes, 12, 60)],
    [
      'a pointer to itself',
      (bytes) => Buffer.concat([bytes.subarray(0, 12), Buffer.of(0xc0, 12, 0, 1, 0, 1)]),
    ],
    [
      'a name with a dot inside of a label',
      (bytes) =>
        Buffer.concat([
          bytes.subarray(0, 12),
          Buffer.of(17),
          Buffer.from('web.krun.internal'),
          Buffer.of(0, 0, 1, 0, 1),
        ]),
    ],
  ])('%s', (_, change) => {
    expect(answerDns(table, query({ name: 'web' }))).toBeDefined();
    expect(answerDns(table, change(query({ name: 'web' })))).toBeUndefined();
  });
});

describe('over the network', () => {
  const ask = (member: TestMember, name: string, server: string): Buffer =>
    ethernet(
      GATEWAY.mac,
      member.mac,
      0x0800,
      ipv4({ from: member.ip, to: server, protocol: 17, payload: udp(53, query({ name })) }),
    );

  it.each([GATEWAY.ip, '1.1.1.1'])('the answer comes from the server that was asked (%s)', async (server) => {
    const { members, uplink } = createNetwork(2);
    const [one] = members;
    one!.send(ask(one!, 'm2', server));
    await settle();
    const [reply] = one!.received;
    const datagram = reply!.subarray(34);
    const pseudoHeader = Buffer.concat([
      reply!.subarray(26, 34),
      Buffer.from([0, 17]),
      datagram.subarray(4, 6),
    ]);
    expect(reply!.subarray(0, 14).toString('hex')).toBe(
      `${one!.mac}${GATEWAY.mac}`.replaceAll(':', '') + '0800',
    );
    expect([reply!.readUInt32BE(26), reply!.readUInt32BE(30)]).toEqual([at(server), at(one!.ip)]);
    expect([datagram.readUInt16BE(0), datagram.readUInt16BE(2)]).toEqual([53, 40_000]);
    expect(onesComplement(reply!.subarray(14, 34))).toBe(0);
    expect(onesComplement(Buffer.concat([pseudoHeader, datagram]))).toBe(0);
    expect(describeAnswer(datagram.subarray(8))).toBe('NOERROR, m2 A 192.168.127.3');
    expect(uplink.received).toEqual([]);
  });

  it('other names, and what is no query at all, go on untouched', async () => {
    const { members, uplink } = createNetwork(1);
    const [one] = members;
    const garbage = ethernet(
      GATEWAY.mac,
      one!.mac,
      0x0800,
      ipv4({ from: one!.ip, to: '1.1.1.1', protocol: 17, payload: udp(53, Buffer.from('?')) }),
    );
    const liar = ask(one!, 'm1', GATEWAY.ip);
    liar.writeUInt16BE(9999, 38);
    one!.send(ask(one!, 'example.org', GATEWAY.ip), garbage, liar);
    await settle();
    expect(uplink.received).toEqual([ask(one!, 'example.org', GATEWAY.ip), garbage, liar]);
    expect(one!.received).toEqual([]);
  });

  it('names follow the members', async () => {
    const { members, subject } = createNetwork(2);
    const [one, two] = members;
    subject.setMember('m2', { mac: two!.mac, ip: '192.168.127.77', names: ['m2', 'fresh'] });
    one!.send(ask(one!, 'fresh.krun.internal', GATEWAY.ip));
    await settle();
    subject.removeMember('m2');
    one!.send(ask(one!, 'fresh.krun.internal', GATEWAY.ip));
    await settle();
    expect(one!.received.map((frame) => describeAnswer(frame.subarray(42)))).toEqual([
      'NOERROR, fresh.krun.internal A 192.168.127.77',
      'NXDOMAIN',
    ]);
  });

  it('a query to another machine is its own affair', async () => {
    const { members } = createNetwork(2);
    const [one, two] = members;
    const frame = ethernet(
      two!.mac,
      one!.mac,
      0x0800,
      ipv4({ from: one!.ip, to: two!.ip, protocol: 17, payload: udp(53, query({ name: 'm1' })) }),
    );
    one!.send(frame);
    await settle();
    expect(two!.received).toEqual([frame]);
  });
});

/** A copy with one byte changed. */
function set(bytes: Buffer, index: number, value: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[index] = value;
  return copy;
}

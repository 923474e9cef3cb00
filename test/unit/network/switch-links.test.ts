import { describe, expect, it } from 'vitest';
import { parseSubnet } from '../../../src/base/ipv4.ts';
import { Switch } from '../../../src/network/switch.ts';
import { ethernet, GATEWAY, ipv4 } from './support/frames.ts';
import { createNetwork, memberNumber, note, texts } from './support/network.ts';
import { createPeer, settle, withPrefix } from './support/peer.ts';

const PUBLIC = '93.184.216.34';

describe('a link', () => {
  it('ends where the peer announces a frame that cannot be', async () => {
    const { subject, members, events } = createNetwork(2);
    members[0]!.sendRaw(Buffer.from('0001001b', 'hex'));
    await settle();
    expect(members[0]!.socket.destroyed).toBe(true);
    expect(subject.counters('m1')?.connected).toBe(false);
    expect(events).toEqual(['m1 up', 'm2 up', 'm1 down: it announced a frame of more than 65562 bytes']);
  });

  it('comes, goes and comes again, and half a frame of before is forgotten', async () => {
    const { subject, members, events } = createNetwork(2);
    const [one, two] = members;
    one!.sendRaw(withPrefix(note(two!, one!, 'never whole')).subarray(0, 20));
    one!.leave();
    await settle();
    two!.send(note(one!, two!, 'nobody there'));
    await settle();
    expect(subject.counters('m1')).toMatchObject({ connected: false, received: { frames: 0, dropped: 1 } });
    const again = createPeer();
    subject.attach('m1', again.socket);
    again.send(note(two!, one!, 'back'));
    two!.send(note(one!, two!, 'welcome'));
    await settle();
    expect([texts(two!.received), texts(again.received)]).toEqual([['back'], ['welcome']]);
    expect(events).toEqual(['m1 up', 'm2 up', 'm1 down', 'm1 up']);
  });

  it('is taken over by a newer connection', async () => {
    const { subject, members, events } = createNetwork(2);
    const [one, two] = members;
    const newer = createPeer();
    subject.attach('m1', newer.socket);
    one!.send(note(two!, one!, 'from the old one'));
    two!.send(note(one!, two!, 'to the new one'));
    await settle();
    expect(one!.socket.destroyed).toBe(true);
    expect([texts(newer.received), texts(two!.received), one!.received]).toEqual([
      ['to the new one'],
      [],
      [],
    ]);
    expect(events).toEqual(['m1 up', 'm2 up', 'm1 up']);
  });

  it('that was gone before it came is one that ended', async () => {
    const { subject, members, events } = createNetwork(1);
    const late = createPeer();
    late.leave();
    await settle();
    subject.attach('m1', late.socket);
    await settle();
    expect(members[0]!.socket.destroyed).toBe(true);
    expect(subject.counters('m1')?.connected).toBe(false);
    expect(events).toEqual(['m1 up', 'm1 up', 'm1 down']);
  });

  it('tells the error that ended it', async () => {
    const { members, uplink, events } = createNetwork(1);
    members[0]!.leave(new Error('read ECONNRESET'));
    uplink.leave(new Error('write EPIPE'));
    await settle();
    expect(events).toEqual(['m1 up', 'm1 down: read ECONNRESET', 'uplink down: write EPIPE']);
  });

  it('ends where the peer closes its half', async () => {
    const { members, events } = createNetwork(1);
    members[0]!.socket.push(null);
    await settle();
    expect(members[0]!.socket.destroyed).toBe(true);
    expect(events).toEqual(['m1 up', 'm1 down']);
  });

  it('of the uplink may be replaced, and its end from this side is no event', async () => {
    const { subject, members, uplink, events } = createNetwork(1);
    const again = createPeer();
    subject.attachUplink(again.socket);
    await settle();
    const frame = ethernet(
      GATEWAY.mac,
      members[0]!.mac,
      0x0800,
      ipv4({ from: members[0]!.ip, to: PUBLIC, protocol: 1, payload: Buffer.alloc(8) }),
    );
    members[0]!.send(frame);
    await settle();
    expect([uplink.socket.destroyed, uplink.received, again.received]).toEqual([true, [], [frame]]);
    subject.detachUplink();
    members[0]!.send(frame);
    await settle();
    expect(events).toEqual(['m1 up']);
    expect(subject.counters('m1')?.sent.dropped).toBe(1);
    expect(subject.uplinkCounters()).toMatchObject({ connected: false, received: { frames: 1, dropped: 1 } });
  });
});

describe('members', () => {
  it('may be added, changed and removed while others talk', async () => {
    const { subject, members } = createNetwork(2);
    const [one, two] = members;
    one!.send(note(two!, one!, 'first'));
    await settle();
    const three = { ...memberNumber(3), ...createPeer() };
    subject.setMember('m3', { mac: three.mac, ip: three.ip, names: ['m3'] });
    subject.attach('m3', three.socket);
    one!.send(note(three, one!, 'to the third'));
    await settle();
    subject.removeMember('m2');
    one!.send(note(two!, one!, 'too late'));
    await settle();
    expect([texts(two!.received), texts(three.received)]).toEqual([['first'], ['to the third']]);
    expect(two!.socket.destroyed).toBe(true);
    expect(subject.counters('m2')).toBeUndefined();
    expect(subject.counters('m1')?.sent.dropped).toBe(1);
  });

  it('keep their link and counters when they are told again', async () => {
    const { subject, members } = createNetwork(2);
    const [one, two] = members;
    one!.send(note(two!, one!, 'before'));
    await settle();
    subject.setMember('m1', { mac: one!.mac, ip: '192.168.127.77', names: ['other'] });
    one!.send(note(two!, one!, 'after'));
    await settle();
    expect(texts(two!.received)).toEqual(['before', 'after']);
    expect(subject.counters('m1')).toEqual({
      connected: true,
      sent: { frames: 2, bytes: 14 + 6 + 14 + 5, dropped: 0 },
      received: { frames: 0, bytes: 0, dropped: 0 },
    });
    expect(subject.counters('m2')?.received).toEqual({ frames: 2, bytes: 39, dropped: 0 });
  });

  it('that nobody announced get no link', async () => {
    const { subject } = createNetwork(0);
    const peer = createPeer();
    subject.attach('ghost', peer.socket);
    await settle();
    expect(peer.socket.destroyed).toBe(true);
  });

  it.each([
    ['02:00:00:00:00:01', '192.168.127.9', 'machine `m1` has the Ethernet address 02:00:00:00:00:01'],
    ['02:00:00:00:00:09', '192.168.127.2', 'machine `m1` has the address 192.168.127.2'],
    [GATEWAY.mac, '192.168.127.9', `the network's machines cannot have the Ethernet address ${GATEWAY.mac}`],
    [
      '03:00:00:00:00:09',
      '192.168.127.9',
      "the network's machines cannot have the Ethernet address 03:00:00:00:00:09",
    ],
    [
      '02:00:00:00:00',
      '192.168.127.9',
      "the network's machines cannot have the Ethernet address 02:00:00:00:00",
    ],
    [
      '02:00:00:00:00:09',
      '192.168.127.1',
      '192.168.127.1 is not an address that 192.168.127.0/24 has for machines',
    ],
    [
      '02:00:00:00:00:09',
      '192.168.127.254',
      '192.168.127.254 is not an address that 192.168.127.0/24 has for machines',
    ],
    [
      '02:00:00:00:00:09',
      '192.168.128.2',
      '192.168.128.2 is not an address that 192.168.127.0/24 has for machines',
    ],
    ['02:00:00:00:00:09', 'web', 'web is not an address that 192.168.127.0/24 has for machines'],
  ])('with %s and %s are refused where others or the network have them', (mac, ip, reason) => {
    const { subject } = createNetwork(1);
    expect(subject.conflict('m2', { mac, ip, names: [] })).toBe(reason);
    expect(() => subject.setMember('m2', { mac, ip, names: [] })).toThrow(reason);
  });

  it('do not conflict with themselves', () => {
    const { subject, members } = createNetwork(1);
    expect(
      subject.conflict('m1', { mac: members[0]!.mac, ip: members[0]!.ip, names: ['new'] }),
    ).toBeUndefined();
  });
});

it('closing ends every link without an event', async () => {
  const { subject, members, uplink, events } = createNetwork(2);
  subject.close();
  await settle();
  expect([...members, uplink].every(({ socket }) => socket.destroyed)).toBe(true);
  expect(events).toEqual(['m1 up', 'm2 up']);
});

it('a switch without anybody listening to its events works', async () => {
  const subnet = parseSubnet('10.9.0.0/16');
  const subject = new Switch({ subnet: subnet!, mtu: 1500, hostAccess: true, hostAddresses: () => [] });
  const peer = createPeer();
  subject.setMember('one', { mac: '02:00:00:00:00:01', ip: '10.9.200.1', names: [] });
  subject.attach('one', peer.socket);
  peer.leave();
  await settle();
  expect(subject.counters('one')?.connected).toBe(false);
});

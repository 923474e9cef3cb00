import { describe, expect, it } from 'vitest';
import { BROADCAST, arp, ethernet, GATEWAY, ipv4, tcp } from './support/frames.ts';
import { createNetwork, note, texts } from './support/network.ts';
import { settle } from './support/peer.ts';

describe('a guest', () => {
  it('speaks from its own Ethernet address only', async () => {
    const { subject, members, uplink } = createNetwork(3);
    const [one, two, three] = members;
    const lies = [two!, GATEWAY, { mac: '02:00:00:00:00:77' }].map((as) => note(three!, as, 'lie'));
    one!.send(...lies, note(three!, one!, 'truth'));
    await settle();
    expect(texts(three!.received)).toEqual(['truth']);
    expect(uplink.received).toEqual([]);
    expect(subject.counters('m1')?.sent).toMatchObject({ frames: 4, dropped: 3 });
  });

  it('does not speak from the IPv4 address of another, but may have addresses of its own', async () => {
    const { subject, members } = createNetwork(3);
    const [one, two, three] = members;
    const packet = (from: string): Buffer =>
      ethernet(three!.mac, one!.mac, 0x0800, ipv4({ from, to: three!.ip, protocol: 6, payload: tcp(80) }));
    one!.send(...[two!.ip, GATEWAY.ip, '192.168.127.254'].map(packet), packet('10.1.2.3'), packet(one!.ip));
    await settle();
    expect(three!.received).toEqual([packet('10.1.2.3'), packet(one!.ip)]);
    expect(subject.counters('m1')?.sent.dropped).toBe(3);
  });

  it('does not claim the address of another by ARP', async () => {
    const { subject, members, uplink } = createNetwork(2);
    const [one, two] = members;
    const claim = (ip: string, mac: string): Buffer => {
      const packet = arp({ operation: 2, sender: { mac, ip }, target: { mac: two!.mac, ip: two!.ip } });
      return ethernet(BROADCAST, one!.mac, 0x0806, packet);
    };
    const short = ethernet(BROADCAST, one!.mac, 0x0806, Buffer.alloc(27));
    one!.send(claim(GATEWAY.ip, one!.mac), claim(two!.ip, one!.mac), claim(one!.ip, two!.mac), short);
    const honest = claim(one!.ip, one!.mac);
    one!.send(honest);
    await settle();
    expect(two!.received).toEqual([honest]);
    expect(uplink.received).toEqual([honest]);
    expect(subject.counters('m1')?.sent.dropped).toBe(4);
  });

  it('hears from the switch who has the addresses of gateway and host, with or without an uplink', async () => {
    const { subject, members, uplink } = createNetwork(2);
    const [one, two] = members;
    const ask = (ip: string): Buffer =>
      ethernet(
        BROADCAST,
        one!.mac,
        0x0806,
        arp({ operation: 1, sender: one!, target: { mac: '00:00:00:00:00:00', ip } }),
      );
    one!.send(ask(GATEWAY.ip));
    await settle();
    subject.detachUplink();
    one!.send(ask('192.168.127.254'));
    await settle();
    const answer = (ip: string): Buffer =>
      ethernet(
        one!.mac,
        GATEWAY.mac,
        0x0806,
        arp({ operation: 2, sender: { mac: GATEWAY.mac, ip }, target: one! }),
      );
    expect(one!.received).toEqual([answer(GATEWAY.ip), answer('192.168.127.254')]);
    expect([two!.received, uplink.received]).toEqual([[], []]);
  });

  it('that sends runts harms nobody', async () => {
    const { subject, members, uplink } = createNetwork(2);
    const [one, two] = members;
    for (let length = 0; length < 14; length++) one!.send(Buffer.alloc(length));
    one!.send(note(two!, one!, 'still here'));
    await settle();
    expect(texts(two!.received)).toEqual(['still here']);
    expect(uplink.received).toEqual([]);
    expect(subject.counters('m1')?.sent).toMatchObject({ frames: 1, dropped: 14 });
  });
});

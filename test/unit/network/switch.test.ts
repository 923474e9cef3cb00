import { describe, expect, it } from 'vitest';
import { BROADCAST, arp, ethernet, GATEWAY, ipv4, tcp, udp } from './support/frames.ts';
import { createNetwork, note, texts } from './support/network.ts';
import { settle, withPrefix } from './support/peer.ts';
import { cutAtRandom, seeded } from './support/random.ts';

const PUBLIC = '93.184.216.34';

describe('forwarding', () => {
  it('brings a frame to the member that it is addressed to, and to nobody else', async () => {
    const { members, uplink } = createNetwork(3);
    const [one, two, three] = members;
    one!.send(note(two!, one!, 'hello'));
    await settle();
    expect(texts(two!.received)).toEqual(['hello']);
    expect([one!.received, three!.received, uplink.received]).toEqual([[], [], []]);
  });

  it('brings a packet for the gateway up, and its answer back', async () => {
    const { members, uplink } = createNetwork(2);
    const [one, two] = members;
    const up = ethernet(
      GATEWAY.mac,
      one!.mac,
      0x0800,
      ipv4({ from: one!.ip, to: PUBLIC, protocol: 6, payload: tcp(443) }),
    );
    one!.send(up);
    const down = ethernet(
      one!.mac,
      GATEWAY.mac,
      0x0800,
      ipv4({ from: PUBLIC, to: one!.ip, protocol: 17, payload: udp(9, Buffer.of(1)) }),
    );
    uplink.send(down);
    await settle();
    expect(uplink.received).toEqual([up]);
    expect(one!.received).toEqual([down]);
    expect(two!.received).toEqual([]);
  });

  it('brings what is for several to every other member', async () => {
    const { members, uplink } = createNetwork(3);
    const [one, two, three] = members;
    const all = note({ mac: BROADCAST }, one!, 'all');
    const some = note({ mac: '33:33:00:00:00:01' }, one!, 'some');
    one!.send(all, some);
    await settle();
    expect([two!.received, three!.received]).toEqual([
      [all, some],
      [all, some],
    ]);
    expect([one!.received, uplink.received]).toEqual([[], []]);
  });

  it('brings a broadcast of the uplink to every member', async () => {
    const { members, uplink } = createNetwork(2);
    const question = arp({
      operation: 1,
      sender: GATEWAY,
      target: { mac: '00:00:00:00:00:00', ip: members[0]!.ip },
    });
    const frame = ethernet(BROADCAST, GATEWAY.mac, 0x0806, question);
    uplink.send(frame);
    await settle();
    expect(members.map(({ received }) => received)).toEqual([[frame], [frame]]);
    expect(uplink.received).toEqual([]);
  });

  it('drops what is addressed to nobody: gvproxy would send it back', async () => {
    const { subject, members, uplink } = createNetwork(2);
    members[0]!.send(note({ mac: '02:00:00:00:00:99' }, members[0]!, 'lost'));
    members[0]!.send(note(members[0]!, members[0]!, 'to itself'));
    uplink.send(note({ mac: '02:00:00:00:00:99' }, GATEWAY, 'lost too'));
    await settle();
    expect(uplink.received).toEqual([]);
    expect(members[1]!.received).toEqual([]);
    expect(members[0]!.received).toEqual([]);
    expect(subject.counters('m1')?.sent.dropped).toBe(2);
    expect(subject.uplinkCounters().sent.dropped).toBe(1);
  });

  it('writes once to each destination of a chunk', async () => {
    const { members } = createNetwork(3);
    const [one, two, three] = members;
    const frames = Array.from({ length: 30 }, (_, index) =>
      note(index % 3 ? two! : three!, one!, `n${index}`),
    );
    one!.send(...frames);
    await settle();
    expect([two!.received.length, two!.writes(), three!.received.length, three!.writes()]).toEqual([
      20, 1, 10, 1,
    ]);
  });

  it.each([1, 2, 3, 4])(
    'keeps the frames of each pair whole and in order, whatever their cuts (seed %i)',
    async (seed) => {
      const random = seeded(seed);
      const { members } = createNetwork(20);
      const sent = new Map<string, string[]>();
      const streams = members.map((from, index) => {
        const frames = Array.from({ length: 60 }, (_, number) => {
          const other = members[(index + 1 + random(19)) % 20]!;
          const key = `${from.name}>${other.name}`;
          const text = `${key} ${number} ${'x'.repeat(random(1400))}`;
          sent.set(key, [...(sent.get(key) ?? []), text]);
          return withPrefix(note(other, from, text));
        });
        return { from, pieces: [...cutAtRandom(Buffer.concat(frames), random, 4000)] };
      });
      while (streams.some(({ pieces }) => pieces.length > 0)) {
        const { from, pieces } = streams[random(20)]!;
        const piece = pieces.shift();
        if (piece) from.sendRaw(piece);
        if (random(4) === 0) await settle();
      }
      await settle();
      const got = new Map<string, string[]>();
      for (const { received } of members) {
        for (const text of texts(received)) {
          const key = text.split(' ', 1)[0]!;
          got.set(key, [...(got.get(key) ?? []), text]);
        }
      }
      expect(Object.fromEntries(got)).toEqual(Object.fromEntries(sent));
      expect(members.every(({ rest }) => rest().length === 0)).toBe(true);
    },
  );
});

import { expect, it } from 'vitest';
import { ethernet, GATEWAY, ipv4, tcp, udp } from './support/frames.ts';
import { createNetwork, note, texts } from './support/network.ts';
import { settle } from './support/peer.ts';

const PUBLIC = '93.184.216.34';

it('a frame goes to the member that it is addressed to, and to nobody else', async () => {
  const { members, uplink } = createNetwork(3);
  const [one, two, three] = members;
  one!.send(note(two!, one!, 'hello'));
  await settle();
  expect(texts(two!.received)).toEqual(['hello']);
  expect([one!.received, three!.received, uplink.received]).toEqual([[], [], []]);
});

it('a packet for the gateway goes up, and its answer comes back', async () => {
  const { members, uplink } = createNetwork(2);
  const [one, two] = members;
  const packet = ipv4({ from: one!.ip, to: PUBLIC, protocol: 6, payload: tcp(443) });
  const up = ethernet(GATEWAY.mac, one!.mac, 0x0800, packet);
  one!.send(up);
  await settle();
  expect(uplink.received).toEqual([up]);
  const down = ethernet(
    one!.mac,
    GATEWAY.mac,
    0x0800,
    ipv4({ from: PUBLIC, to: one!.ip, protocol: 17, payload: udp(9, Buffer.of(1)) }),
  );
  uplink.send(down);
  await settle();
  expect(one!.received).toEqual([down]);
  expect(two!.received).toEqual([]);
});

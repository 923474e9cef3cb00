import { expect, test } from 'vitest';
import { ethernet, GATEWAY, ipv4, tcp } from './support/frames.ts';
import { createNetwork } from './support/network.ts';
import { settle } from './support/peer.ts';

const SYN_ACK = 0x12;
const RESET = 0x14;

test('a guest that accepts a connection of the gateway is seen, and only while somebody waits for that port', async () => {
  const { members, subject } = createNetwork(2);
  const [one] = members;
  const handshakes = subject.handshakes('m1');
  let accepted = 0;
  const forget = handshakes?.onAccept(80, () => (accepted += 1));
  const answer = async (from: number, flags: number): Promise<number> => {
    const payload = tcp(40_000, from, flags);
    one!.send(
      ethernet(GATEWAY.mac, one!.mac, 0x0800, ipv4({ from: one!.ip, to: GATEWAY.ip, protocol: 6, payload })),
    );
    await settle();
    return accepted;
  };
  expect(await answer(80, RESET)).toBe(0);
  expect(await answer(81, SYN_ACK)).toBe(0);
  expect(await answer(80, SYN_ACK)).toBe(1);
  forget?.();
  expect(handshakes?.isAwaited).toBe(false);
  expect(await answer(80, SYN_ACK)).toBe(1);
});

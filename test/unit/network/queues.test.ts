import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { BROADCAST, ethernet, GATEWAY, ipv4, tcp } from './support/frames.ts';
import { createNetwork, note, texts, type TestMember } from './support/network.ts';
import { settle } from './support/peer.ts';

const MIB = 1024 * 1024;
const BIG = 'x'.repeat(1400);

/** So many bytes of frames for one destination, in chunks as they come from a socket. */
async function flood(from: TestMember, frame: Buffer, bytes: number): Promise<void> {
  const chunk = Array.from({ length: 40 }, () => frame);
  for (let sent = 0; sent < bytes; sent += 40 * frame.length) {
    from.send(...chunk);
    await settle();
  }
}

/** Bytes of buffers that something still holds, or that are not yet swept: the latter become fewer. */
function heldBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().arrayBuffers;
}

function waitingBytes(member: TestMember): number {
  const before = member.received.length;
  member.resume();
  return member.received.slice(before).reduce((total, frame) => total + frame.length, 0);
}

it('a member that does not read costs others nothing, and a bounded amount of memory', async () => {
  const { subject, members } = createNetwork(3);
  const [one, two, three] = members;
  two!.pause();
  await flood(one!, note(two!, one!, BIG), 12 * MIB);
  one!.send(note(three!, one!, 'on time'));
  three!.send(note(one!, three!, 'on time too'));
  await settle();
  expect([texts(three!.received), texts(one!.received)]).toEqual([['on time'], ['on time too']]);
  const { frames, dropped } = subject.counters('m2')!.received;
  expect(frames * 1418).toBeLessThan(16 * MIB);
  expect(frames + dropped).toBe(subject.counters('m1')!.sent.frames - 1);
  two!.resume();
  await settle();
  expect(two!.received).toHaveLength(frames);
  expect(two!.rest()).toHaveLength(0);
  one!.send(note(two!, one!, 'reads again'));
  await settle();
  expect(texts(two!.received).at(-1)).toBe('reads again');
});

it('small frames for a member that does not read keep no chunks alive', async () => {
  const { members } = createNetwork(3);
  const [one, two, three] = members;
  two!.pause();
  const chunk = [note(two!, one!, 'small'), ...Array.from({ length: 40 }, () => note(three!, one!, BIG))];
  const before = heldBytes();
  for (let turn = 0; turn < 2000; turn++) {
    one!.send(...chunk);
    await settle();
    three!.received.length = 0;
  }
  // 2000 chunks are 114 MB; what waits of them are 46 KB.
  await expect.poll(() => heldBytes() - before, { timeout: 10_000 }).toBeLessThan(16 * MIB);
  expect(waitingBytes(two!)).toBe(2000 * 19);
});

it('tiny frames count for the memory that they take', async () => {
  const { subject, members } = createNetwork(3);
  const [one, two, three] = members;
  two!.pause();
  // Frames of two destinations in turns, so that each waits on its own.
  const tiny = Array.from({ length: 2000 }, (_, index) => note(index % 2 ? two! : three!, one!, ''));
  for (let turn = 0; turn < 20; turn++) {
    one!.send(...tiny);
    await settle();
  }
  const { frames, dropped } = subject.counters('m2')!.received;
  expect(frames + dropped).toBe(20_000);
  expect(frames).toBeLessThan(10_000);
});

it('one that floods leaves room for others, who get their share of what is read', async () => {
  const { subject, members } = createNetwork(3);
  const [one, two, three] = members;
  three!.pause();
  await flood(one!, note(three!, one!, `one ${BIG}`), 12 * MIB);
  await flood(two!, note(three!, two!, `two ${BIG}`), 32 * 1400);
  expect(subject.counters('m3')!.received.dropped).toBeGreaterThan(0);
  three!.resume();
  await settle();
  const order = texts(three!.received).map((text) => text.slice(0, 3));
  const lastOfTwo = order.lastIndexOf('two');
  expect(order.filter((name) => name === 'two')).toHaveLength(40);
  // They came last and did not wait for two megabytes of the other.
  expect(lastOfTwo).toBeLessThan(order.length / 4);
});

it('a fast sender to a slow uplink starves nobody', async () => {
  const { subject, members, uplink } = createNetwork(2);
  const [one, two] = members;
  uplink.pause();
  const packet = (from: TestMember, text: string): Buffer =>
    ethernet(
      GATEWAY.mac,
      from.mac,
      0x0800,
      ipv4({ from: from.ip, to: '1.1.1.1', protocol: 1, payload: Buffer.from(text) }),
    );
  await flood(one!, packet(one!, BIG), 12 * MIB);
  two!.send(packet(two!, 'ping'));
  await settle();
  expect(subject.counters('m1')!.sent.dropped).toBeGreaterThan(1000);
  expect(subject.counters('m2')!.sent.dropped).toBe(0);
  uplink.resume();
  await settle();
  const of = (mac: string): number =>
    uplink.received.filter((frame) => frame.subarray(6, 12).toString('hex') === mac.replaceAll(':', ''))
      .length;
  expect(of(two!.mac)).toBe(1);
  expect(of(one!.mac) + subject.counters('m1')!.sent.dropped).toBe(subject.counters('m1')!.sent.frames);
});

it('twenty members that flood one reach it alike', async () => {
  const { members } = createNetwork(21);
  const target = members[20]!;
  const senders = members.slice(0, 20);
  target.pause();
  for (let turn = 0; turn < 40; turn++) {
    for (const from of senders)
      from.send(...Array.from({ length: 40 }, () => note(target, from, `${from.name} ${BIG}`)));
    await settle();
  }
  target.resume();
  await settle();
  const counts = senders.map(
    ({ name }) => texts(target.received).filter((text) => text.startsWith(`${name} `)).length,
  );
  expect(Math.min(...counts)).toBeGreaterThan(0);
  expect(target.received.length * 1418).toBeLessThan(3 * MIB);
  const late = counts.slice(1);
  expect(Math.max(...late) / Math.min(...late)).toBeLessThan(3);
});

it('a broadcast does not wait for those who do not read', async () => {
  const { subject, members } = createNetwork(20);
  const [one, ...others] = members;
  for (const other of others.slice(0, 10)) other.pause();
  await flood(one!, note({ mac: BROADCAST }, one!, BIG), 6 * MIB);
  const sent = subject.counters('m1')!.sent.frames;
  expect(others.slice(10).map(({ received }) => received.length)).toEqual(Array(9).fill(sent));
  expect(others.slice(0, 10).every(({ name }) => subject.counters(name)!.received.dropped > 0)).toBe(true);
});

it('one that asks the switch itself without end gets so many answers at a time', async () => {
  const { subject, members, uplink } = createNetwork(2);
  const [one] = members;
  const refused = ethernet(
    GATEWAY.mac,
    one!.mac,
    0x0800,
    ipv4({ from: one!.ip, to: GATEWAY.ip, protocol: 6, payload: tcp(80) }),
  );
  one!.send(...Array.from({ length: 500 }, () => refused));
  await settle();
  expect(one!.received).toHaveLength(128);
  expect(subject.counters('m1')!.sent.dropped).toBe(500);
  one!.send(refused);
  await settle();
  expect(one!.received).toHaveLength(129);
  expect(uplink.received).toEqual([]);
});

it('frames that come while others wait stay behind them', async () => {
  const { members } = createNetwork(2);
  const [one, two] = members;
  two!.pause();
  const count = 400;
  for (let index = 0; index < count; index++) {
    one!.send(note(two!, one!, `${index} ${BIG}`));
    await settle();
  }
  two!.resume();
  for (let index = count; index < count + 50; index++) one!.send(note(two!, one!, `${index} late`));
  await settle();
  const numbers = texts(two!.received).map((text) => Number.parseInt(text, 10));
  expect(numbers).toEqual(Array.from({ length: count + 50 }, (_, index) => index));
});

it('what waited for a link is gone with it', async () => {
  const { subject, members, events } = createNetwork(2);
  const [one, two] = members;
  two!.pause();
  await flood(one!, note(two!, one!, BIG), MIB);
  two!.leave();
  await settle();
  const count = subject.counters('m2')!.received.frames;
  one!.send(note(two!, one!, 'lost'));
  await settle();
  expect(subject.counters('m2')!.received).toMatchObject({ frames: count, dropped: 1 });
  expect(events.at(-1)).toBe('m2 down');
});

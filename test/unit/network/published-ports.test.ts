import { beforeEach, expect, test } from 'vitest';
import { forwardOf, guestAddress, localAddress, type Forward } from '../../../src/network/forward.ts';
import { PublishedPorts, type Publisher } from '../../../src/network/published-ports.ts';
import type { BoundPort, Refusal } from '../../../src/network/api.ts';

/** Remembers what was asked of it; some host sides are busy. */
class FakePublisher implements Publisher {
  readonly open = new Map<string, string>();
  readonly busy = new Set<string>();
  readonly calls: string[] = [];

  async publish(forward: Forward): Promise<Refusal | undefined> {
    const local = localAddress(forward);
    this.calls.push(`+${local}`);
    if (this.busy.has(local) || this.open.has(local)) return { message: `${local} is busy` };
    this.open.set(local, guestAddress(forward));
    return undefined;
  }

  async withdraw(forward: Forward): Promise<void> {
    const local = localAddress(forward);
    this.calls.push(`-${local}`);
    this.open.delete(local);
  }
}

let publisher: FakePublisher;
let said: string[];
let ports: PublishedPorts;

beforeEach(() => {
  publisher = new FakePublisher();
  said = [];
  ports = new PublishedPorts(publisher, (text) => said.push(text));
});

function tcp(host: number, guest: number, hostIp?: string): BoundPort {
  return { host, guest, protocol: 'tcp', ...(hostIp === undefined ? {} : { hostIp }) };
}

function apply(member: string, ip: string, list: readonly BoundPort[]): Promise<Refusal | undefined> {
  return ports.apply(
    member,
    list.map((port) => forwardOf(port, ip)),
  );
}

function open(): string[] {
  return [...publisher.open].map(([local, guest]) => `${local} ${guest}`).toSorted();
}

test('host addresses of both families, udp and sockets are published', async () => {
  const list: BoundPort[] = [
    tcp(8080, 80),
    tcp(8080, 80, '::1'),
    { host: 53, guest: 53, protocol: 'udp', hostIp: '0.0.0.0' },
    { socket: '/run/web.sock', guest: 80, protocol: 'tcp' },
  ];
  expect(await apply('web', '10.0.0.2', list)).toBeUndefined();
  expect(open()).toEqual([
    '/run/web.sock 10.0.0.2:80',
    '0.0.0.0:53 10.0.0.2:53',
    '127.0.0.1:8080 10.0.0.2:80',
    '[::1]:8080 10.0.0.2:80',
  ]);
});

test('a port that stays is not touched when others come and go', async () => {
  await apply('web', '10.0.0.2', [tcp(1, 80), tcp(2, 80)]);
  publisher.calls.length = 0;
  await apply('web', '10.0.0.2', [tcp(2, 80), tcp(3, 80)]);
  expect(publisher.calls).toEqual(['+127.0.0.1:3', '-127.0.0.1:1']);
});

test('a port that leads elsewhere is opened anew', async () => {
  await apply('web', '10.0.0.2', [tcp(1, 80), tcp(2, 80)]);
  publisher.calls.length = 0;
  await apply('web', '10.0.0.2', [tcp(1, 80), tcp(2, 81)]);
  expect(publisher.calls).toEqual(['-127.0.0.1:2', '+127.0.0.1:2']);
  expect(open()).toEqual(['127.0.0.1:1 10.0.0.2:80', '127.0.0.1:2 10.0.0.2:81']);
});

test('when one of the ports is busy, everything is as it was', async () => {
  await apply('web', '10.0.0.2', [tcp(1, 80), tcp(2, 80)]);
  const before = open();
  publisher.busy.add('127.0.0.1:5');
  expect(await apply('web', '10.0.0.2', [tcp(2, 90), tcp(3, 80), tcp(5, 80)])).toEqual({
    message: '127.0.0.1:5 is busy',
  });
  expect(open()).toEqual(before);
  expect(said).toEqual([]);
});

test('a port of another member is refused by its name', async () => {
  await apply('web', '10.0.0.2', [tcp(1, 80)]);
  expect(await apply('db', '10.0.0.3', [tcp(2, 80), tcp(1, 5432)])).toEqual({
    message: 'host port 127.0.0.1:1 is published by machine web already',
    hint: 'publish another port',
  });
  expect(open()).toEqual(['127.0.0.1:1 10.0.0.2:80']);
  await ports.remove('web');
  expect(await apply('db', '10.0.0.3', [tcp(1, 5432)])).toBeUndefined();
});

test('all ports are opened again after a restart, and a lost one when it is free again', async () => {
  await apply('web', '10.0.0.2', [tcp(1, 80), tcp(2, 80)]);
  publisher.open.clear();
  publisher.busy.add('127.0.0.1:2');
  await ports.restore();
  expect(open()).toEqual(['127.0.0.1:1 10.0.0.2:80']);
  await ports.retry();
  expect(said).toEqual(['127.0.0.1:2 is busy; krun tries again every 10 s']);
  publisher.busy.clear();
  await ports.retry();
  expect(open()).toEqual(['127.0.0.1:1 10.0.0.2:80', '127.0.0.1:2 10.0.0.2:80']);
  expect(said.at(-1)).toBe('host port 127.0.0.1:2 is published again');
  publisher.calls.length = 0;
  await ports.retry();
  expect(publisher.calls).toEqual([]);
});

test('closing withdraws the ports of all members', async () => {
  await apply('web', '10.0.0.2', [tcp(1, 80)]);
  await apply('db', '10.0.0.3', [tcp(2, 80)]);
  await ports.close();
  expect(open()).toEqual([]);
});

import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { parseSubnet } from '../src/base/ipv4.ts';
import { GATEWAY_MAC } from '../src/network/gateway-mac.ts';
import { Switch } from '../src/network/switch.ts';

const ROUNDS = 7;
const BYTES = 256 * 1024 * 1024;
const ONE = { mac: '02:00:00:00:00:01', ip: '192.168.127.2' };
const TWO = { mac: '02:00:00:00:00:02', ip: '192.168.127.3' };
const GATEWAY = { mac: GATEWAY_MAC, ip: '192.168.127.1' };

/** One measured way of frames between the same two processes. */
export interface SwitchBenchmark {
  readonly name: string;
  /** Median of several rounds. */
  readonly gigabitsPerSecond: number;
  /** Against a socket that the two processes share without a switch. */
  readonly ratio: number;
}

interface Station {
  readonly mac: string;
  readonly ip: string;
}

/**
 * Both ends of a stream, as a program of its own: MTU-1500 frames one way, and what TCP does against overrunning - a
 * window of 1 MiB, an acknowledgement for every 128 KiB - the other way.
 */
const END = `
  const net = require('node:net');
  const [role, path, to, from, total] = process.argv.slice(1);
  const WINDOW = 1 << 20, STEP = 128 << 10, ACK = 64, FRAME = 1518, PER_WRITE = 43;
  const frame = (length) => {
    const bytes = Buffer.alloc(length);
    bytes.writeUInt32BE(length - 4, 0);
    const mac = (text) => Buffer.from(text.split('/')[0].replaceAll(':', ''), 'hex');
    const ip = (text) => Buffer.from(text.split('/')[1].split('.').map(Number));
    Buffer.concat([mac(to), mac(from), Buffer.from('0800', 'hex')]).copy(bytes, 4);
    Buffer.from('4500000000000000400600000000000000000000', 'hex').copy(bytes, 18);
    bytes.writeUInt16BE(length - 18, 20);
    Buffer.concat([ip(from), ip(to)]).copy(bytes, 30);
    bytes.writeUInt16BE(443, 40);
    return bytes;
  };
  const ready = () => process.stdout.write('ready\\n');
  const receive = (socket) => {
    const ack = frame(ACK);
    let got = 0, told = 0;
    socket.on('data', (chunk) => {
      got += chunk.length;
      while (got - told >= STEP) { told += STEP; socket.write(ack); }
    });
    socket.on('close', () => process.exit());
  };
  const send = (socket) => {
    const batch = Buffer.concat(Array.from({ length: PER_WRITE }, () => frame(FRAME)));
    const began = process.hrtime.bigint();
    let sent = 0, told = 0, rest = 0;
    const go = () => {
      while (sent - told < WINDOW && sent < Number(total)) { sent += batch.length; socket.write(batch); }
    };
    socket.on('data', (chunk) => {
      rest += chunk.length;
      told += Math.floor(rest / ACK) * STEP;
      rest %= ACK;
      if (told <= sent - STEP || sent < Number(total)) return go();
      const seconds = Number(process.hrtime.bigint() - began) / 1e9;
      process.stdout.write(String((told * 8) / seconds / 1e9), () => process.exit());
    });
    go();
  };
  if (role === 'listen') net.createServer(receive).listen(path, ready);
  if (role === 'receive') receive(net.connect(path, ready));
  if (role === 'send') { const socket = net.connect(path, () => send(socket)); }
`;

/** Measures the switch against no switch, in turns, so that a busy moment hits all of them alike. */
export async function run(): Promise<readonly SwitchBenchmark[]> {
  const ways = [
    { name: 'no switch', measure: direct },
    { name: 'a pipe in Node', measure: piped },
    { name: 'machine to machine', measure: (directory: string) => switched(directory, TWO) },
    { name: 'machine to gvproxy', measure: (directory: string) => switched(directory, GATEWAY) },
  ];
  const results = ways.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, { measure }] of ways.entries()) {
      const directory = await mkdtemp(path.join(os.tmpdir(), 'krun-bench-'));
      try {
        results[index]?.push(await measure(directory));
      } finally {
        await rm(directory, { recursive: true });
      }
    }
  }
  const base = median(results[0] ?? []);
  const rows = ways.map(({ name }, index) => {
    const gigabitsPerSecond = median(results[index] ?? []);
    return { name, gigabitsPerSecond: round(gigabitsPerSecond), ratio: round(gigabitsPerSecond / base) };
  });
  for (const { name, gigabitsPerSecond, ratio } of rows) {
    console.log(`frames of 1514 bytes, ${name}: ${gigabitsPerSecond} Gb/s, ${ratio} of no switch`);
  }
  return rows;
}

async function direct(directory: string): Promise<number> {
  const socket = path.join(directory, 'direct');
  const receiver = await startReceiver('listen', socket, { self: TWO, peer: ONE });
  return send(socket, { self: ONE, peer: TWO, receiver });
}

/** What the least of switches would cost: two sockets that Node joins without a look at the bytes. */
async function piped(directory: string): Promise<number> {
  const [one, two] = [path.join(directory, 'one'), path.join(directory, 'two')];
  let other: net.Socket | undefined;
  const servers = [
    await listen(two, (socket) => (other = socket)),
    await listen(one, (socket) => {
      if (other) socket.pipe(other).pipe(socket);
    }),
  ];
  try {
    const receiver = await startReceiver('receive', two, { self: TWO, peer: ONE });
    return await send(one, { self: ONE, peer: TWO, receiver });
  } finally {
    for (const server of servers) server.close();
    other?.destroy();
  }
}

async function switched(directory: string, peer: Station): Promise<number> {
  const subnet = parseSubnet('192.168.127.0/24');
  if (!subnet) throw new Error('the subnet is not read');
  const subject = new Switch({ subnet, mtu: 1500, hostAccess: false, hostAddresses: () => ['10.0.0.1'] });
  subject.setMember('one', { ...ONE, names: ['one'] });
  subject.setMember('two', { ...TWO, names: ['two'] });
  const one = path.join(directory, 'one');
  const two = path.join(directory, 'two');
  const toUplink = peer === GATEWAY;
  const servers = [
    await listen(one, (socket) => subject.attach('one', socket)),
    await listen(two, (socket) => (toUplink ? subject.attachUplink(socket) : subject.attach('two', socket))),
  ];
  try {
    const receiver = await startReceiver('receive', two, { self: peer, peer: ONE });
    return await send(one, { self: ONE, peer, receiver });
  } finally {
    for (const server of servers) server.close();
    subject.close();
  }
}

async function listen(file: string, use: (socket: net.Socket) => void): Promise<net.Server> {
  const server = net.createServer(use).listen(file);
  await once(server, 'listening');
  return server;
}

interface Pair {
  readonly self: Station;
  readonly peer: Station;
}

async function startReceiver(role: string, socket: string, { self, peer }: Pair): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['-e', END, role, socket, name(peer), name(self)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return child;
}

/** Gigabits a second from one end to the other. */
async function send(
  socket: string,
  { self, peer, receiver }: Pair & { readonly receiver: ChildProcess },
): Promise<number> {
  const args = ['-e', END, 'send', socket, name(peer), name(self), String(BYTES)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  receiver.kill('SIGKILL');
  return Number(stdout);
}

function name({ mac, ip }: Station): string {
  return `${mac}/${ip}`;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

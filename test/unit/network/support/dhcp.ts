import { formatIpv4, parseIpv4 } from '../../../../src/base/ipv4.ts';
import { BROADCAST, ethernet, ipv4, onesComplement, udp } from './frames.ts';

export interface ClientMessage {
  readonly mac: string;
  readonly type: number;
  readonly options?: readonly (readonly [number, string])[];
  readonly ciaddr?: string;
  readonly flags?: number;
  readonly giaddr?: string;
  /** Of the frame, where it is not its own. */
  readonly to?: { readonly mac: string; readonly ip: string };
}

/** Frame of a client's message; values of options are hexadecimal digits or addresses. */
export function clientFrame({
  mac,
  type,
  options = [],
  ciaddr,
  flags = 0,
  giaddr,
  to,
}: ClientMessage): Buffer {
  const head = Buffer.alloc(240);
  head.set([1, 1, 6, 0], 0);
  head.writeUInt32BE(0x1234_5678, 4);
  head.writeUInt16BE(flags, 10);
  head.writeUInt32BE(parseIpv4(ciaddr ?? '0.0.0.0') ?? 0, 12);
  head.writeUInt32BE(parseIpv4(giaddr ?? '0.0.0.0') ?? 0, 24);
  head.write(mac.replaceAll(':', ''), 28, 'hex');
  head.writeUInt32BE(0x6382_5363, 236);
  const encoded = options.map(([code, value]) => {
    const bytes = value.includes('.') ? addressBytes(value) : Buffer.from(value, 'hex');
    return Buffer.concat([Buffer.of(code, bytes.length), bytes]);
  });
  const message = Buffer.concat([head, Buffer.of(53, 1, type), ...encoded, Buffer.of(255)]);
  const packet = ipv4({
    from: ciaddr ?? '0.0.0.0',
    to: to?.ip ?? '255.255.255.255',
    protocol: 17,
    payload: udp(67, message, 68),
  });
  return ethernet(to?.mac ?? BROADCAST, mac, 0x0800, packet);
}

/** A server's frame as text, with every check that a client makes: lengths, checksums, cookie. */
export function describeReply(frame: Buffer): string {
  const macAt = (at: number): string => frame.toString('hex', at, at + 6).replace(/..(?=.)/g, '$&:');
  const packet = frame.subarray(14);
  const datagram = packet.subarray(20);
  const message = datagram.subarray(8);
  const pseudoHeader = Buffer.concat([
    packet.subarray(12, 20),
    Buffer.from([0, 17]),
    datagram.subarray(4, 6),
  ]);
  const sound =
    frame.readUInt16BE(12) === 0x0800 &&
    packet.readUInt16BE(2) === packet.length &&
    onesComplement(packet.subarray(0, 20)) === 0 &&
    datagram.readUInt16BE(4) === datagram.length &&
    onesComplement(Buffer.concat([pseudoHeader, datagram])) === 0 &&
    message.readUInt32BE(236) === 0x6382_5363;
  const ip = (bytes: Buffer, at: number): string => formatIpv4(bytes.readUInt32BE(at));
  return [
    `${macAt(6)} > ${macAt(0)}, ${ip(packet, 12)}:${datagram.readUInt16BE(0)} > ${ip(packet, 16)}:${datagram.readUInt16BE(2)}${sound ? '' : ' (broken)'}`,
    `op ${message[0]} xid ${message.toString('hex', 4, 8)} flags ${message.toString('hex', 10, 12)}`,
    `ciaddr ${ip(message, 12)} yiaddr ${ip(message, 16)} siaddr ${ip(message, 20)} chaddr ${message.toString('hex', 28, 34)}`,
    ...options(message.subarray(240)),
  ].join('\n');
}

const NAMES: Readonly<Record<number, string>> = {
  1: 'subnet mask',
  3: 'router',
  6: 'name servers',
  12: 'host name',
  15: 'domain name',
  26: 'mtu',
  28: 'broadcast address',
  51: 'lease time',
  53: 'message type',
  54: 'server identifier',
  61: 'client identifier',
  80: 'rapid commit',
  119: 'search list',
};

function* options(bytes: Buffer): Iterable<string> {
  for (let at = 0; bytes[at] !== 255; at += 2 + bytes[at + 1]!) {
    const value = bytes.subarray(at + 2, at + 2 + bytes[at + 1]!);
    const code = bytes[at]!;
    yield `${code} ${NAMES[code]}: ${describeValue(code, value)}`;
  }
}

function describeValue(code: number, value: Buffer): string {
  if ([1, 3, 6, 28, 54].includes(code)) {
    return Array.from({ length: value.length / 4 }, (_, index) =>
      formatIpv4(value.readUInt32BE(4 * index)),
    ).join(' ');
  }
  if (code === 12 || code === 15) return value.toString();
  if (code === 26) return String(value.readUInt16BE());
  if (code === 51) return `${value.readUInt32BE()} s`;
  if (code === 53) return ['', 'DISCOVER', 'OFFER', 'REQUEST', 'DECLINE', 'ACK', 'NAK'][value[0]!]!;
  if (code === 119) return domains(value).join(' ');
  return value.toString('hex');
}

/** Domains in a row, each as labels with their lengths and a zero. */
function domains(bytes: Buffer): readonly string[] {
  const found: string[] = [];
  let labels: string[] = [];
  for (let at = 0; at < bytes.length; at += 1 + bytes[at]!) {
    if (bytes[at] === 0) {
      found.push(labels.join('.'));
      labels = [];
    } else labels.push(bytes.toString('latin1', at + 1, at + 1 + bytes[at]!));
  }
  return found;
}

function addressBytes(text: string): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(parseIpv4(text) ?? 0);
  return bytes;
}

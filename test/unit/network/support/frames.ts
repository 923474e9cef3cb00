import { parseIpv4 } from '../../../../src/base/ipv4.ts';

export const GATEWAY = { mac: '5a:94:ef:e4:0c:dd', ip: '192.168.127.1' };
export const BROADCAST = 'ff:ff:ff:ff:ff:ff';

/** An Ethernet frame; `type` is its EtherType. */
export function ethernet(to: string, from: string, type: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.from((to + from).replaceAll(':', ''), 'hex');
  return Buffer.concat([head, u16(type), payload]);
}

export interface Ipv4 {
  readonly from: string;
  readonly to: string;
  readonly protocol: number;
  readonly payload: Buffer;
  readonly options?: Buffer;
  /** Flags and offset field. */
  readonly fragment?: number;
}

export function ipv4({ from, to, protocol, payload, options, fragment = 0 }: Ipv4): Buffer {
  const header = Buffer.alloc(20 + (options?.length ?? 0));
  header[0] = 0x40 | (header.length / 4);
  header.writeUInt16BE(header.length + payload.length, 2);
  header.writeUInt16BE(fragment, 6);
  header[8] = 64;
  header[9] = protocol;
  header.writeUInt32BE(parseIpv4(from) ?? 0, 12);
  header.writeUInt32BE(parseIpv4(to) ?? 0, 16);
  options?.copy(header, 20);
  header.writeUInt16BE(onesComplement(header), 10);
  return Buffer.concat([header, payload]);
}

/** A segment that opens a connection, unless it has other flags. */
export function tcp(toPort: number, fromPort = 40_000, flags = 0x02): Buffer {
  const segment = Buffer.alloc(20);
  segment.writeUInt16BE(fromPort, 0);
  segment.writeUInt16BE(toPort, 2);
  segment[12] = 0x50;
  segment[13] = flags;
  return segment;
}

export function udp(toPort: number, payload: Buffer, fromPort = 40_000): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16BE(fromPort, 0);
  head.writeUInt16BE(toPort, 2);
  head.writeUInt16BE(8 + payload.length, 4);
  return Buffer.concat([head, payload]);
}

export interface ArpFields {
  readonly operation: 1 | 2;
  readonly sender: { readonly mac: string; readonly ip: string };
  readonly target: { readonly mac: string; readonly ip: string };
}

export function arp({ operation, sender, target }: ArpFields): Buffer {
  const station = ({ mac, ip }: ArpFields['sender']): Buffer =>
    Buffer.concat([Buffer.from(mac.replaceAll(':', ''), 'hex'), address(ip)]);
  return Buffer.concat([
    Buffer.from('0001080006040000', 'hex').fill(operation, 7),
    station(sender),
    station(target),
  ]);
}

export function address(text: string): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(parseIpv4(text) ?? 0);
  return bytes;
}

export function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

/** Checksum as a receiver computes it: 0 over bytes that hold a right one. */
export function onesComplement(bytes: Buffer): number {
  let total = 0;
  for (let at = 0; at < bytes.length; at += 2) total += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  return ~total & 0xffff;
}

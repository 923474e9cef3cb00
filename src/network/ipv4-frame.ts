import { HEADER_BYTES, PREFIX_BYTES, TYPE_IPV4, u16At, writeMac, type Mac } from './ethernet.ts';

/** A station, as Ethernet and IPv4 know it. */
export interface StationAddress {
  readonly mac: Mac;
  readonly ip: number;
}

export interface Ipv4Packet {
  readonly from: StationAddress;
  readonly to: StationAddress;
  readonly protocol: number;
  readonly payload: Buffer;
}

export const IPV4_HEADER_BYTES = 20;

/** Ethernet frame, with its length prefix, of an IPv4 packet. */
export function encodeIpv4Frame({ from, to, protocol, payload }: Ipv4Packet): Buffer {
  const frame = Buffer.alloc(PREFIX_BYTES + HEADER_BYTES + IPV4_HEADER_BYTES + payload.length);
  frame.writeUInt32BE(frame.length - PREFIX_BYTES, 0);
  writeMac(frame, 4, to.mac);
  writeMac(frame, 10, from.mac);
  frame.writeUInt16BE(TYPE_IPV4, 16);
  const packet = frame.subarray(PREFIX_BYTES + HEADER_BYTES);
  packet[0] = 0x45;
  packet.writeUInt16BE(packet.length, 2);
  // It is never fragmented, so it needs no identification.
  packet.writeUInt16BE(0x4000, 6);
  packet[8] = 64;
  packet[9] = protocol;
  packet.writeUInt32BE(from.ip, 12);
  packet.writeUInt32BE(to.ip, 16);
  packet.writeUInt16BE(checksum(sum(packet.subarray(0, IPV4_HEADER_BYTES))), 10);
  payload.copy(packet, IPV4_HEADER_BYTES);
  return frame;
}

/** Length of the IPv4 header at `at` with its options, or 0 where there is none before `end`. */
export function ipv4HeaderBytes(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at] ?? 0;
  const length = (first & 15) * 4;
  const valid = first >>> 4 === 4 && length >= IPV4_HEADER_BYTES && at + length <= end;
  return valid ? length : 0;
}

/** Sum of 16-bit words for the Internet checksum (RFC 1071). */
export function sum(bytes: Uint8Array): number {
  let total = 0;
  for (let at = 0; at < bytes.length; at += 2) total += u16At(bytes, at);
  return total;
}

/** Internet checksum of a sum of words. */
export function checksum(total: number): number {
  let folded = total;
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x1_0000);
  return ~folded & 0xffff;
}

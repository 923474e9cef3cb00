import { HEADER_BYTES, PREFIX_BYTES, TYPE_IPV4, u16At, u32At, writeMac, type Mac } from './ethernet.ts';

/** One end of a datagram. */
export interface Endpoint {
  readonly mac: Mac;
  readonly ip: number;
  readonly port: number;
}

export interface Datagram {
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly payload: Buffer;
}

const IPV4_BYTES = 20;
const UDP_BYTES = 8;
const UDP = 17;

/** Ethernet frame, with its length prefix, of a datagram over IPv4. */
export function encodeUdpFrame({ from, to, payload }: Datagram): Buffer {
  const udpLength = UDP_BYTES + payload.length;
  const frame = Buffer.alloc(PREFIX_BYTES + HEADER_BYTES + IPV4_BYTES + udpLength);
  frame.writeUInt32BE(frame.length - PREFIX_BYTES, 0);
  writeMac(frame, 4, to.mac);
  writeMac(frame, 10, from.mac);
  frame.writeUInt16BE(TYPE_IPV4, 16);

  const ip = frame.subarray(PREFIX_BYTES + HEADER_BYTES);
  ip[0] = 0x45;
  ip.writeUInt16BE(IPV4_BYTES + udpLength, 2);
  // It is never fragmented, so it needs no identification.
  ip.writeUInt16BE(0x4000, 6);
  ip[8] = 64;
  ip[9] = UDP;
  ip.writeUInt32BE(from.ip, 12);
  ip.writeUInt32BE(to.ip, 16);
  ip.writeUInt16BE(checksum(sum(ip.subarray(0, IPV4_BYTES))), 10);

  const udp = ip.subarray(IPV4_BYTES);
  udp.writeUInt16BE(from.port, 0);
  udp.writeUInt16BE(to.port, 2);
  udp.writeUInt16BE(udpLength, 4);
  payload.copy(udp, UDP_BYTES);
  const pseudoHeader = sum(ip.subarray(12, IPV4_BYTES)) + UDP + udpLength;
  // Zero would say that there is no checksum.
  udp.writeUInt16BE(checksum(sum(udp) + pseudoHeader) || 0xffff, 6);
  return frame;
}

/** Datagram of an Ethernet frame at [at, end), of which the IPv4 and UDP headers were found valid. */
export function decodeUdpFrame(bytes: Buffer, at: number, end: number): Datagram | undefined {
  const ip = at + HEADER_BYTES;
  const udp = ip + ((bytes[ip] ?? 0) & 15) * 4;
  const length = u16At(bytes, udp + 4);
  if (length < UDP_BYTES || udp + length > end) return undefined;
  return {
    from: { mac: bytes.readUIntBE(at + 6, 6), ip: u32At(bytes, ip + 12), port: u16At(bytes, udp) },
    to: { mac: bytes.readUIntBE(at, 6), ip: u32At(bytes, ip + 16), port: u16At(bytes, udp + 2) },
    payload: bytes.subarray(udp + UDP_BYTES, udp + length),
  };
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

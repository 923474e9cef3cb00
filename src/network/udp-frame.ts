import { HEADER_BYTES, macAt, u16At, u32At } from './ethernet.ts';
import { checksum, encodeIpv4Frame, sum, type StationAddress } from './ipv4-frame.ts';

/** One end of a datagram. */
export interface Endpoint extends StationAddress {
  readonly port: number;
}

export interface Datagram {
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly payload: Buffer;
}

export const UDP = 17;
export const UDP_HEADER_BYTES = 8;

/** Ethernet frame, with its length prefix, of a datagram over IPv4. */
export function encodeUdpFrame({ from, to, payload }: Datagram): Buffer {
  const datagram = Buffer.alloc(UDP_HEADER_BYTES + payload.length);
  datagram.writeUInt16BE(from.port, 0);
  datagram.writeUInt16BE(to.port, 2);
  datagram.writeUInt16BE(datagram.length, 4);
  payload.copy(datagram, UDP_HEADER_BYTES);
  const pseudoHeader = Buffer.alloc(12);
  pseudoHeader.writeUInt32BE(from.ip, 0);
  pseudoHeader.writeUInt32BE(to.ip, 4);
  pseudoHeader.writeUInt16BE(UDP, 8);
  pseudoHeader.writeUInt16BE(datagram.length, 10);
  // Zero would say that there is no checksum.
  datagram.writeUInt16BE(checksum(sum(pseudoHeader) + sum(datagram)) || 0xffff, 6);
  return encodeIpv4Frame({ from, to, protocol: UDP, payload: datagram });
}

/** Datagram of an Ethernet frame at [at, end), of which the IPv4 and UDP headers were found valid. */
export function decodeUdpFrame(bytes: Buffer, at: number, end: number): Datagram | undefined {
  const ip = at + HEADER_BYTES;
  const udp = ip + ((bytes[ip] ?? 0) & 15) * 4;
  const length = u16At(bytes, udp + 4);
  if (length < UDP_HEADER_BYTES || udp + length > end) return undefined;
  return {
    from: { mac: macAt(bytes, at + 6), ip: u32At(bytes, ip + 12), port: u16At(bytes, udp) },
    to: { mac: macAt(bytes, at), ip: u32At(bytes, ip + 16), port: u16At(bytes, udp + 2) },
    payload: bytes.subarray(udp + UDP_HEADER_BYTES, udp + length),
  };
}

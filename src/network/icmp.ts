import { HEADER_BYTES, TYPE_IPV4, macAt, u16At, u32At } from './ethernet.ts';
import { checksum, encodeIpv4Frame, ipv4HeaderBytes, sum, type StationAddress } from './ipv4-frame.ts';
import { UDP } from './udp-frame.ts';

const ICMP = 1;
const ICMP_HEADER_BYTES = 8;
const UNREACHABLE = 3;
const PROHIBITED = 13;
const TCP = 6;

/**
 * Tells the sender of the frame at [at, end) that its packet was refused, so that a connection fails at once and does
 * not hang until it times out. Undefined where nobody is to be told (RFC 1122, 3.2.2): for what is no first fragment of
 * TCP or UDP, or was sent to several.
 */
export function encodeProhibited(
  bytes: Buffer,
  { at, end, from }: { readonly at: number; readonly end: number; readonly from: StationAddress },
): Buffer | undefined {
  const ip = at + HEADER_BYTES;
  if (u16At(bytes, at + 12) !== TYPE_IPV4) return undefined;
  const header = ipv4HeaderBytes(bytes, ip, end);
  const protocol = bytes[ip + 9];
  const quoted = header + ICMP_HEADER_BYTES;
  if (header === 0 || ip + quoted > end || (protocol !== TCP && protocol !== UDP)) return undefined;
  const source = u32At(bytes, ip + 12);
  if (source === 0 || u32At(bytes, ip + 16) >>> 28 >= 14 || (u16At(bytes, ip + 6) & 0x1fff) !== 0) {
    return undefined;
  }
  const payload = Buffer.alloc(ICMP_HEADER_BYTES + quoted);
  payload[0] = UNREACHABLE;
  payload[1] = PROHIBITED;
  bytes.copy(payload, ICMP_HEADER_BYTES, ip, ip + quoted);
  payload.writeUInt16BE(checksum(sum(payload)), 2);
  return encodeIpv4Frame({ from, to: { mac: macAt(bytes, at + 6), ip: source }, protocol: ICMP, payload });
}

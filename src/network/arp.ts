import { HEADER_BYTES, PREFIX_BYTES, TYPE_ARP, macAt, u16At, u32At, writeMac, type Mac } from './ethernet.ts';

const ARP_BYTES = 28;
const REQUEST = 1;
const REPLY = 2;

/** An ARP packet for IPv4 over Ethernet (RFC 826). */
export interface Arp {
  readonly request: boolean;
  readonly senderMac: Mac;
  readonly senderIp: number;
  readonly targetIp: number;
}

/** Packet at [at, end); undefined where it is not of Ethernet and IPv4. */
export function decodeArp(bytes: Uint8Array, at: number, end: number): Arp | undefined {
  if (end - at < ARP_BYTES || u32At(bytes, at) !== 0x0001_0800 || u16At(bytes, at + 4) !== 0x0604) {
    return undefined;
  }
  return {
    request: u16At(bytes, at + 6) === REQUEST,
    senderMac: macAt(bytes, at + 8),
    senderIp: u32At(bytes, at + 14),
    targetIp: u32At(bytes, at + 24),
  };
}

/** Frame with prefix that tells who asked that `mac` has the address. */
export function encodeArpReply(question: Arp, mac: Mac): Buffer {
  const frame = Buffer.alloc(PREFIX_BYTES + HEADER_BYTES + ARP_BYTES);
  frame.writeUInt32BE(frame.length - PREFIX_BYTES, 0);
  writeMac(frame, 4, question.senderMac);
  writeMac(frame, 10, mac);
  frame.writeUInt16BE(TYPE_ARP, 16);
  frame.writeUInt32BE(0x0001_0800, 18);
  frame.writeUInt16BE(0x0604, 22);
  frame.writeUInt16BE(REPLY, 24);
  writeMac(frame, 26, mac);
  frame.writeUInt32BE(question.targetIp, 32);
  writeMac(frame, 36, question.senderMac);
  frame.writeUInt32BE(question.senderIp, 42);
  return frame;
}

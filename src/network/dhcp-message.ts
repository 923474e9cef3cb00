import { u32At } from './ethernet.ts';

/** Message types (RFC 2132, 9.6). */
export const DhcpType = {
  discover: 1,
  offer: 2,
  request: 3,
  decline: 4,
  ack: 5,
  nak: 6,
  release: 7,
  inform: 8,
} as const;

/** Option codes. */
export const DhcpOption = {
  subnetMask: 1,
  router: 3,
  nameServers: 6,
  hostName: 12,
  domainName: 15,
  mtu: 26,
  broadcastAddress: 28,
  requestedAddress: 50,
  leaseTime: 51,
  overload: 52,
  messageType: 53,
  serverIdentifier: 54,
  maximumSize: 57,
  clientIdentifier: 61,
  rapidCommit: 80,
  searchList: 119,
} as const;

const BOOTREQUEST = 1;
const BOOTREPLY = 2;
const ETHERNET = 1;
const COOKIE = 0x6382_5363;
/** Fixed fields and magic cookie. */
const FIXED_BYTES = 240;
const SNAME_AT = 44;
const FILE_AT = 108;
const PAD = 0;
const END = 255;
/** Clients of old refuse what is shorter than BOOTP. */
const LEAST_BYTES = 300;

export interface DhcpRequest {
  readonly type: number;
  /** As in the message: these are repeated in the answer. */
  readonly transaction: number;
  readonly flags: number;
  readonly clientAddress: number;
  readonly relay: number;
  /** Hardware address field with padding, 16 bytes. */
  readonly hardwareAddress: Buffer;
  readonly options: ReadonlyMap<number, Buffer>;
}

export interface DhcpReply {
  readonly clientAddress: number;
  readonly yourAddress: number;
  /** In the order of their importance: the last ones are left out where the client takes no message that large. */
  readonly options: readonly (readonly [code: number, value: Buffer])[];
  readonly maximumBytes: number;
}

/** Undefined where it is no request of an Ethernet client. */
export function decodeDhcp(bytes: Buffer): DhcpRequest | undefined {
  if (bytes.length < FIXED_BYTES || bytes[0] !== BOOTREQUEST || bytes[1] !== ETHERNET || bytes[2] !== 6) {
    return undefined;
  }
  if (u32At(bytes, 236) !== COOKIE) return undefined;
  const options = new Map<number, Buffer>();
  readOptions(bytes.subarray(FIXED_BYTES), options);
  const overload = options.get(DhcpOption.overload)?.[0] ?? 0;
  if ((overload & 1) !== 0) readOptions(bytes.subarray(FILE_AT, FIXED_BYTES - 4), options);
  if ((overload & 2) !== 0) readOptions(bytes.subarray(SNAME_AT, FILE_AT), options);
  const type = options.get(DhcpOption.messageType)?.[0];
  if (type === undefined) return undefined;
  return {
    type,
    transaction: u32At(bytes, 4),
    flags: bytes.readUInt16BE(10),
    clientAddress: u32At(bytes, 12),
    relay: u32At(bytes, 24),
    hardwareAddress: bytes.subarray(28, SNAME_AT),
    options,
  };
}

/** An option that comes twice is one that was too long for one piece (RFC 3396). */
function readOptions(bytes: Buffer, options: Map<number, Buffer>): void {
  let at = 0;
  for (;;) {
    const code = bytes[at++];
    if (code === undefined || code === END) return;
    if (code === PAD) continue;
    const length = bytes[at++];
    if (length === undefined || at + length > bytes.length) return;
    const value = bytes.subarray(at, at + length);
    const before = options.get(code);
    options.set(code, before ? Buffer.concat([before, value]) : value);
    at += length;
  }
}

export function encodeDhcpReply(request: DhcpRequest, reply: DhcpReply): Buffer {
  const fixed = Buffer.alloc(FIXED_BYTES);
  fixed[0] = BOOTREPLY;
  fixed[1] = ETHERNET;
  fixed[2] = 6;
  fixed.writeUInt32BE(request.transaction, 4);
  fixed.writeUInt16BE(request.flags, 10);
  fixed.writeUInt32BE(reply.clientAddress, 12);
  fixed.writeUInt32BE(reply.yourAddress, 16);
  request.hardwareAddress.copy(fixed, 28);
  fixed.writeUInt32BE(COOKIE, 236);
  const pieces: Buffer[] = [fixed];
  let room = reply.maximumBytes - FIXED_BYTES - 1;
  for (const [code, value] of reply.options) {
    const encoded = encodeOption(code, value);
    if (encoded.length > room) continue;
    room -= encoded.length;
    pieces.push(encoded);
  }
  pieces.push(Buffer.of(END));
  const message = Buffer.concat(pieces);
  return message.length < LEAST_BYTES ? Buffer.concat([message], LEAST_BYTES) : message;
}

function encodeOption(code: number, value: Buffer): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at === 0 || at < value.length; at += 255) {
    const piece = value.subarray(at, at + 255);
    pieces.push(Buffer.of(code, piece.length), piece);
  }
  return Buffer.concat(pieces);
}

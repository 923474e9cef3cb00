/** What an entry of a tar stream can be. Names are byte strings (bytes.ts). */
export type EntryKind =
  | 'file'
  | 'directory'
  | 'symlink'
  | 'link'
  | 'character-device'
  | 'block-device'
  | 'fifo'
  | 'long-name'
  | 'long-link'
  | 'pax'
  | 'pax-global'
  | 'other';

/** A header as it stands in a block, or with what long headers before it say. */
export interface TarHeader {
  readonly kind: EntryKind;
  readonly name: string;
  /** Of a symbolic link what it holds; of a hard link an earlier name of the same stream. */
  readonly linkName: string;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes that follow the header. */
  readonly size: number;
  readonly mtimeSeconds: number;
}

export const BLOCK_BYTES = 512;

const NAME_BYTES = 100;
const LARGEST_OCTAL_SIZE = 8 ** 11 - 1;
const LARGEST_OCTAL_ID = 8 ** 7 - 1;
const MAGIC_AT = 257;
const CHECKSUM_AT = 148;

const TYPE_FLAGS: Readonly<Record<Exclude<EntryKind, 'other'>, string>> = {
  file: '0',
  link: '1',
  symlink: '2',
  'character-device': '3',
  'block-device': '4',
  directory: '5',
  fifo: '6',
  'long-name': 'L',
  'long-link': 'K',
  pax: 'x',
  'pax-global': 'g',
};

const KINDS: ReadonlyMap<string, EntryKind> = new Map([
  ...Object.entries(TYPE_FLAGS).map(([kind, flag]) => [flag, kind as EntryKind] as const),
  ['\0', 'file'],
  // A contiguous file: a plain one for everybody.
  ['7', 'file'],
]);

/**
 * The blocks of a header. GNU's form and not pax: busybox knows no pax names, bsdtar and GNU tar know this one, and it
 * holds any bytes.
 */
export function encodeHeader(header: TarHeader): Buffer {
  const blocks: Buffer[] = [];
  if (header.linkName.length > NAME_BYTES) blocks.push(...longHeader('long-link', header.linkName));
  if (header.name.length > NAME_BYTES) blocks.push(...longHeader('long-name', header.name));
  blocks.push(block(header));
  return blocks.length === 1 && blocks[0] ? blocks[0] : Buffer.concat(blocks);
}

function longHeader(kind: 'long-name' | 'long-link', text: string): readonly Buffer[] {
  const body = Buffer.alloc(paddedBytes(text.length + 1));
  body.write(text, 'latin1');
  const header = block({
    kind,
    name: '././@LongLink',
    linkName: '',
    mode: 0,
    uid: 0,
    gid: 0,
    size: text.length + 1,
    mtimeSeconds: 0,
  });
  return [header, body];
}

function block(header: TarHeader): Buffer {
  const bytes = Buffer.alloc(BLOCK_BYTES);
  bytes.write(header.name.slice(0, NAME_BYTES), 0, 'latin1');
  writeNumber(bytes, header.mode & 0o7777, { at: 100, length: 8, largest: LARGEST_OCTAL_ID });
  writeNumber(bytes, header.uid, { at: 108, length: 8, largest: LARGEST_OCTAL_ID });
  writeNumber(bytes, header.gid, { at: 116, length: 8, largest: LARGEST_OCTAL_ID });
  writeNumber(bytes, header.size, { at: 124, length: 12, largest: LARGEST_OCTAL_SIZE });
  writeNumber(bytes, header.mtimeSeconds, { at: 136, length: 12, largest: LARGEST_OCTAL_SIZE });
  bytes.write(header.kind === 'other' ? '0' : TYPE_FLAGS[header.kind], 156, 'latin1');
  bytes.write(header.linkName.slice(0, NAME_BYTES), 157, 'latin1');
  bytes.write('ustar  \0', MAGIC_AT, 'latin1');
  const sum = checksum(bytes).toString(8).padStart(6, '0');
  bytes.write(`${sum}\0 `, CHECKSUM_AT, 'latin1');
  return bytes;
}

interface Field {
  readonly at: number;
  readonly length: number;
  readonly largest: number;
}

/** Octal digits, or GNU's base 256 for what they cannot hold. */
function writeNumber(bytes: Buffer, value: number, { at, length, largest }: Field): void {
  if (value >= 0 && value <= largest) {
    bytes.write(value.toString(8).padStart(length - 1, '0'), at, 'latin1');
    return;
  }
  let rest = BigInt.asUintN(8 * (length - 1), BigInt(value));
  for (let index = at + length - 1; index > at; index--) {
    bytes[index] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  bytes[at] = value < 0 ? 0xff : 0x80;
}

/** Why a block is no header. */
export class TarSyntaxError extends Error {}

/** The header in a block; undefined for a block of zeros, which ends the stream. */
export function decodeHeader(bytes: Buffer): TarHeader | undefined {
  if (bytes.every((byte) => byte === 0)) return undefined;
  if (checksum(bytes) !== readNumber(bytes, CHECKSUM_AT, 8)) {
    throw new TarSyntaxError('a header has a wrong checksum');
  }
  const flag = String.fromCharCode(bytes[156] ?? 0);
  let name = readText(bytes, 0, NAME_BYTES);
  // In GNU's form other things stand where ustar has the first part of a long name.
  if (bytes.toString('latin1', MAGIC_AT, MAGIC_AT + 6) === 'ustar\0') {
    const prefix = readText(bytes, 345, 155);
    if (prefix !== '') name = `${prefix}/${name}`;
  }
  const kind = KINDS.get(flag) ?? 'other';
  const size = readNumber(bytes, 124, 12);
  if (size < 0) throw new TarSyntaxError('a header has a negative size');
  return {
    // So did tars that had no flag for directories.
    kind: kind === 'file' && name.endsWith('/') ? 'directory' : kind,
    name,
    linkName: readText(bytes, 157, NAME_BYTES),
    mode: readNumber(bytes, 100, 8) & 0o7777,
    uid: readNumber(bytes, 108, 8),
    gid: readNumber(bytes, 116, 8),
    size,
    mtimeSeconds: readNumber(bytes, 136, 12),
  };
}

/** Bytes of a body with the zeros that fill its last block. */
export function paddedBytes(size: number): number {
  return Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES;
}

function checksum(bytes: Buffer): number {
  let sum = 8 * 32;
  for (let index = 0; index < CHECKSUM_AT; index++) sum += bytes[index] ?? 0;
  for (let index = CHECKSUM_AT + 8; index < BLOCK_BYTES; index++) sum += bytes[index] ?? 0;
  return sum;
}

function readText(bytes: Buffer, at: number, length: number): string {
  const text = bytes.toString('latin1', at, at + length);
  const end = text.indexOf('\0');
  return end === -1 ? text : text.slice(0, end);
}

function readNumber(bytes: Buffer, at: number, length: number): number {
  const first = bytes[at] ?? 0;
  if (first >= 0x80) {
    let value = 0n;
    for (let index = at + 1; index < at + length; index++) value = value * 256n + BigInt(bytes[index] ?? 0);
    const number = Number(first === 0xff ? BigInt.asIntN(8 * (length - 1), value) : value);
    if (!Number.isSafeInteger(number)) throw new TarSyntaxError('a header has a number that is too large');
    return number;
  }
  const text = readText(bytes, at, length).trim();
  if (!/^[0-7]*$/.test(text)) throw new TarSyntaxError('a header has a number that is none');
  return text === '' ? 0 : Number.parseInt(text, 8);
}

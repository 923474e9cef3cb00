import { writeFileSync } from 'node:fs';

const SECTOR = 512;
const ALIGNMENT = 2048;
const ENTRIES = 128;
const ENTRY_BYTES = 128;
const TABLE_SECTORS = (ENTRIES * ENTRY_BYTES) / SECTOR;

/** Partition types, as they are written. */
export const GUIDS = {
  linuxRootX64: '4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709',
  linuxData: '0FC63DAF-8483-4772-8E79-3D69D8477DE4',
  efiSystem: 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B',
} as const;

export interface MadePartition {
  readonly content: Uint8Array;
  /** Of GPT; Linux data when absent. */
  readonly type?: string;
}

/** A disk image with a GPT that Linux takes: both tables, with their checksums. */
export function gptDisk(partitions: readonly MadePartition[]): Buffer {
  const places = place(partitions);
  const totalSectors = places.end + TABLE_SECTORS + 1;
  const disk = Buffer.alloc(totalSectors * SECTOR);
  const table = Buffer.alloc(ENTRIES * ENTRY_BYTES);
  partitions.forEach(({ content, type = GUIDS.linuxData }, index) => {
    const entry = table.subarray(index * ENTRY_BYTES);
    const { first, last } = at(places.list, index);
    guidBytes(type).copy(entry, 0);
    guidBytes(`00000000-0000-4000-8000-00000000000${index + 1}`).copy(entry, 16);
    entry.writeBigUInt64LE(BigInt(first), 32);
    entry.writeBigUInt64LE(BigInt(last), 40);
    disk.set(content, first * SECTOR);
  });
  writeMbrEntry(disk, 0, { type: 0xee, first: 1, sectors: totalSectors - 1 });
  const ends = { usableFirst: ALIGNMENT, usableLast: places.end - 1, table };
  gptHeader(1, totalSectors - 1, 2, ends).copy(disk, SECTOR);
  table.copy(disk, 2 * SECTOR);
  table.copy(disk, places.end * SECTOR);
  gptHeader(totalSectors - 1, 1, places.end, ends).copy(disk, (totalSectors - 1) * SECTOR);
  return disk;
}

/** A disk image with an MBR: up to three primary partitions, and those behind them as logical ones. */
export function mbrDisk(primary: readonly MadePartition[], logical: readonly MadePartition[] = []): Buffer {
  const places = place([...primary, ...logical]);
  const disk = Buffer.alloc(places.end * SECTOR);
  for (const [index, { content }] of [...primary, ...logical].entries())
    disk.set(content, at(places.list, index).first * SECTOR);
  for (const index of primary.keys()) {
    const { first, last } = at(places.list, index);
    writeMbrEntry(disk, index, { type: 0x83, first, sectors: last - first + 1 });
  }
  if (logical.length === 0) return disk;
  // Each logical partition has its own table in the sector that lies one alignment before it.
  const tables = logical.map((_, index) => at(places.list, primary.length + index).first - ALIGNMENT / 2);
  const start = at(tables, 0);
  writeMbrEntry(disk, primary.length, { type: 0x05, first: start, sectors: places.end - start });
  for (const [index, table] of tables.entries()) {
    const { first, last } = at(places.list, primary.length + index);
    const own = disk.subarray(table * SECTOR, (table + 1) * SECTOR);
    writeMbrEntry(own, 0, { type: 0x83, first: first - table, sectors: last - first + 1 });
    const next = tables[index + 1];
    if (next !== undefined) writeMbrEntry(own, 1, { type: 0x05, first: next - start, sectors: 1 });
  }
  return disk;
}

export function writeDisk(file: string, disk: Buffer): string {
  writeFileSync(file, disk);
  return file;
}

interface Places {
  readonly list: readonly { readonly first: number; readonly last: number }[];
  readonly end: number;
}

function place(partitions: readonly MadePartition[]): Places {
  let next = ALIGNMENT;
  const list = partitions.map(({ content }) => {
    const first = next;
    const last = first + Math.ceil(content.length / SECTOR) - 1;
    next = Math.ceil((last + 1) / ALIGNMENT) * ALIGNMENT + ALIGNMENT;
    return { first, last };
  });
  return { list, end: next };
}

function gptHeader(
  own: number,
  other: number,
  tableSector: number,
  ends: { readonly usableFirst: number; readonly usableLast: number; readonly table: Buffer },
): Buffer {
  const header = Buffer.alloc(92);
  header.write('EFI PART', 0, 'latin1');
  header.writeUInt32LE(0x1_0000, 8);
  header.writeUInt32LE(header.length, 12);
  header.writeBigUInt64LE(BigInt(own), 24);
  header.writeBigUInt64LE(BigInt(other), 32);
  header.writeBigUInt64LE(BigInt(ends.usableFirst), 40);
  header.writeBigUInt64LE(BigInt(ends.usableLast), 48);
  guidBytes('00000000-0000-4000-8000-0000000000FF').copy(header, 56);
  header.writeBigUInt64LE(BigInt(tableSector), 72);
  header.writeUInt32LE(ENTRIES, 80);
  header.writeUInt32LE(ENTRY_BYTES, 84);
  header.writeUInt32LE(crc32(ends.table), 88);
  header.writeUInt32LE(crc32(header), 16);
  return header;
}

function writeMbrEntry(
  sector: Buffer,
  index: number,
  { type, first, sectors }: { readonly type: number; readonly first: number; readonly sectors: number },
): void {
  sector.writeUInt8(type, 446 + index * 16 + 4);
  sector.writeUInt32LE(first, 446 + index * 16 + 8);
  sector.writeUInt32LE(sectors, 446 + index * 16 + 12);
  sector.writeUInt16LE(0xaa55, 510);
}

/** The first three groups are little-endian. */
function guidBytes(guid: string): Buffer {
  const [first = '', second = '', third = '', ...rest] = guid.split('-');
  const reversed = [first, second, third].map((group) => Buffer.from(Buffer.from(group, 'hex').toReversed()));
  return Buffer.concat([...reversed, Buffer.from(rest.join(''), 'hex')]);
}

function crc32(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ ((crc & 1) === 0 ? 0 : 0xedb8_8320);
  }
  return ~crc >>> 0;
}

function at<T>(list: readonly T[], index: number): T {
  const found = list[index];
  if (found === undefined) throw new Error(`nothing at ${index}`);
  return found;
}

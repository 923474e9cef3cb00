import type { DiskBytes } from './disk-bytes.ts';

/** A part of a disk as the guest's kernel numbers them; 0 is the disk as a whole. */
export interface Partition {
  readonly number: number;
  readonly startBytes: number;
  readonly sizeBytes: number;
  /** Lower case; of GPT only. */
  readonly typeGuid?: string;
}

const SECTOR_SIZES = [512, 4096] as const;
const GPT_SIGNATURE = 'EFI PART';
/** UEFI's least; nobody has more than a few hundred bytes for one. */
const GPT_ENTRY_BYTES = { least: 128, most: 4096 } as const;
const MOST_GPT_ENTRIES = 1024;
const MBR_EXTENDED: ReadonlySet<number> = new Set([0x05, 0x0f, 0x85]);
const MBR_PROTECTIVE = 0xee;
const FIRST_LOGICAL = 5;
const MOST_LOGICAL = 60;

/** Partitions of a GPT, or else of an MBR; none where there is neither. */
export function readPartitions(disk: DiskBytes): readonly Partition[] {
  for (const sectorBytes of SECTOR_SIZES) {
    const header = disk.read(sectorBytes, 92);
    if (header.toString('latin1', 0, 8) === GPT_SIGNATURE) return readGpt(disk, header, sectorBytes);
  }
  return readMbr(disk);
}

function readGpt(disk: DiskBytes, header: Buffer, sectorBytes: number): readonly Partition[] {
  const table = Number(header.readBigUInt64LE(72)) * sectorBytes;
  const count = Math.min(header.readUInt32LE(80), MOST_GPT_ENTRIES);
  const entryBytes = header.readUInt32LE(84);
  if (entryBytes < GPT_ENTRY_BYTES.least || entryBytes > GPT_ENTRY_BYTES.most) return [];
  const partitions: Partition[] = [];
  const entries = disk.read(table, count * entryBytes);
  for (let index = 0; index < count; index++) {
    const entry = entries.subarray(index * entryBytes, (index + 1) * entryBytes);
    const [first, last] = [Number(entry.readBigUInt64LE(32)), Number(entry.readBigUInt64LE(40))];
    if (entry.subarray(0, 16).every((byte) => byte === 0) || last < first) continue;
    partitions.push({
      number: index + 1,
      startBytes: first * sectorBytes,
      sizeBytes: (last - first + 1) * sectorBytes,
      typeGuid: guidText(entry),
    });
  }
  return partitions;
}

/** The first three groups of a GUID are little-endian. */
function guidText(bytes: Buffer): string {
  const hex = (start: number, end: number): string => bytes.toString('hex', start, end);
  const number = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
  return [
    number(bytes.readUInt32LE(0), 8),
    number(bytes.readUInt16LE(4), 4),
    number(bytes.readUInt16LE(6), 4),
    hex(8, 10),
    hex(10, 16),
  ].join('-');
}

interface MbrEntry {
  readonly type: number;
  readonly firstSector: number;
  readonly sectors: number;
}

/** MBRs count sectors of 512 bytes. */
const MBR_SECTOR = 512;

function readMbrEntries(disk: DiskBytes, sector: number): readonly MbrEntry[] {
  const bytes = disk.read(sector * MBR_SECTOR, MBR_SECTOR);
  if (bytes.readUInt16LE(510) !== 0xaa55) return [];
  return [0, 1, 2, 3].map((index) => {
    const at = 446 + index * 16;
    return {
      type: bytes[at + 4] ?? 0,
      firstSector: bytes.readUInt32LE(at + 8),
      sectors: bytes.readUInt32LE(at + 12),
    };
  });
}

function readMbr(disk: DiskBytes): readonly Partition[] {
  const partitions: Partition[] = [];
  readMbrEntries(disk, 0).forEach((entry, index) => {
    if (entry.type === 0 || entry.type === MBR_PROTECTIVE || entry.sectors === 0) return;
    if (MBR_EXTENDED.has(entry.type)) partitions.push(...readLogical(disk, entry.firstSector));
    else partitions.push(partitionOf(index + 1, entry, 0));
  });
  return partitions.toSorted((left, right) => left.number - right.number);
}

/** A chain of tables: the first entry of each is a partition, the second the place of the next one. */
function readLogical(disk: DiskBytes, extendedSector: number): readonly Partition[] {
  const partitions: Partition[] = [];
  let table = extendedSector;
  while (partitions.length < MOST_LOGICAL) {
    const [entry, next] = readMbrEntries(disk, table);
    if (!entry || entry.type === 0 || entry.sectors === 0) break;
    partitions.push(partitionOf(FIRST_LOGICAL + partitions.length, entry, table));
    if (!next || !MBR_EXTENDED.has(next.type)) break;
    table = extendedSector + next.firstSector;
  }
  return partitions;
}

function partitionOf(number: number, { firstSector, sectors }: MbrEntry, base: number): Partition {
  return { number, startBytes: (base + firstSector) * MBR_SECTOR, sizeBytes: sectors * MBR_SECTOR };
}

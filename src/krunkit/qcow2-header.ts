import { ImageError, type DiskBytes } from './disk-bytes.ts';

const MAGIC = 0x51_46_49_fb;
const INCOMPATIBLE = { externalData: 4n, compression: 8n, extendedL2: 16n } as const;
/** Bit 0 says that counts of references may be wrong, which readers do not need. */
const KNOWN = 1n | INCOMPATIBLE.compression | INCOMPATIBLE.extendedL2;
const BACKING_FORMAT = 0xe279_2aca;
/** The header, its extensions and the backing file's name lie in the first cluster, 64 KiB most often. */
const MOST_HEADER_BYTES = 1 << 21;
const LEAST_CLUSTER_BITS = 9;
const MOST_CLUSTER_BITS = 21;
const MOST_NAME_BYTES = 1023;
const MOST_L1_ENTRIES = 1 << 22;

/** What is needed of an image's header to read its clusters. */
export interface Qcow2Header {
  readonly clusterBits: number;
  /** Bytes of the disk. */
  readonly sizeBytes: number;
  readonly l1Offset: number;
  readonly l1Entries: number;
  readonly hasZstd: boolean;
  /** Entries of the second table are 16 bytes, with a bit for each 32nd of a cluster. */
  readonly hasSubclusters: boolean;
  readonly backing?: { readonly name: string; readonly format: string | undefined };
}

/** Reads the header of a qcow2 image, version 2 or 3; throws {@link ImageError}. */
export function readQcow2Header(file: string, image: DiskBytes): Qcow2Header {
  const fixed = image.read(0, 112);
  if (fixed.readUInt32BE(0) !== MAGIC)
    throw new ImageError(
      `disk image ${file} is not a qcow2 image`,
      'write format=raw; `qemu-img info FILE` says it',
    );
  const version = fixed.readUInt32BE(4);
  if (version !== 2 && version !== 3) throw damaged(file, `version ${version}`);
  if (fixed.readUInt32BE(32) !== 0)
    throw new ImageError(
      `disk image ${file} is encrypted, which libkrun cannot read`,
      'convert it: qemu-img convert',
    );
  const features = version === 3 ? fixed.readBigUInt64BE(72) : 0n;
  const clusterBits = fixed.readUInt32BE(20);
  const l1Entries = fixed.readUInt32BE(36);
  if (clusterBits < LEAST_CLUSTER_BITS || clusterBits > MOST_CLUSTER_BITS)
    throw damaged(file, `clusters of 2^${clusterBits} bytes`);
  if (l1Entries > MOST_L1_ENTRIES) throw damaged(file, `${l1Entries} entries of its first table`);
  if ((features & INCOMPATIBLE.externalData) !== 0n)
    throw new ImageError(
      `disk image ${file} keeps its data in another file, which krun cannot look into`,
      'convert it: qemu-img convert -O qcow2 OLD NEW',
    );
  if ((features & ~KNOWN) !== 0n) throw damaged(file, `features 0x${features.toString(16)}`);
  const backing = readBacking(file, image, fixed, version);
  return {
    clusterBits,
    sizeBytes: Number(fixed.readBigUInt64BE(24)),
    l1Offset: Number(fixed.readBigUInt64BE(40)),
    l1Entries,
    hasZstd: (features & INCOMPATIBLE.compression) !== 0n && fixed[104] === 1,
    hasSubclusters: (features & INCOMPATIBLE.extendedL2) !== 0n,
    ...(backing && { backing }),
  };
}

function readBacking(file: string, image: DiskBytes, fixed: Buffer, version: number): Qcow2Header['backing'] {
  const offset = Number(fixed.readBigUInt64BE(8));
  const length = fixed.readUInt32BE(16);
  if (offset === 0 || length === 0) return undefined;
  if (length > MOST_NAME_BYTES || offset > MOST_HEADER_BYTES)
    throw damaged(file, 'the place of its backing file');
  const name = image.read(offset, length).toString('utf8');
  return { name, format: backingFormat(image, version === 3 ? fixed.readUInt32BE(100) : 72) };
}

/** The extension that names the backing file's format. */
function backingFormat(image: DiskBytes, firstOffset: number): string | undefined {
  for (let offset = firstOffset; offset < MOST_HEADER_BYTES;) {
    const head = image.read(offset, 8);
    const [type, length] = [head.readUInt32BE(0), head.readUInt32BE(4)];
    if (type === 0) return undefined;
    if (type === BACKING_FORMAT) return image.read(offset + 8, Math.min(length, 64)).toString('utf8');
    offset += 8 + Math.ceil(length / 8) * 8;
  }
  return undefined;
}

/** The error of an image with something in it that no image has. */
export function damaged(file: string, what: string): ImageError {
  return new ImageError(
    `disk image ${file} is damaged, or newer than krun: ${what}`,
    'check it: qemu-img check FILE',
  );
}

import { createRequire } from 'node:module';
import { constants, inflateRawSync } from 'node:zlib';
import { errnoOf } from '../host/errno.ts';
import { ImageError, type DiskBytes } from './disk-bytes.ts';
import { damaged, type Qcow2Header } from './qcow2-header.ts';

const OFFSET_BITS = 0x00ff_ffff_ffff_fe00n;
const COMPRESSED = 1n << 62n;
const ALL_ZEROS = 1n;
const SECTOR = 512;
const SUBCLUSTERS = 32;

/**
 * Reads the clusters of a qcow2 image, one table entry at a time; what it lacks is its backing image's, or
 * zeros.
 */
export class Qcow2 implements DiskBytes {
  readonly #file: string;
  readonly #header: Qcow2Header;
  readonly #image: DiskBytes;
  readonly #backing: DiskBytes | undefined;
  readonly #clusterBytes: number;

  constructor(file: string, header: Qcow2Header, image: DiskBytes, backing?: DiskBytes) {
    this.#file = file;
    this.#header = header;
    this.#image = image;
    this.#backing = backing;
    this.#clusterBytes = 2 ** header.clusterBits;
  }

  read(offset: number, length: number): Buffer {
    const result = Buffer.alloc(length);
    // Where subclusters may differ, none is crossed.
    const step = this.#header.hasSubclusters ? this.#clusterBytes / SUBCLUSTERS : this.#clusterBytes;
    for (let done = 0; done < length;) {
      const at = offset + done;
      const count = Math.min(length - done, step - (at % step));
      if (at < this.#header.sizeBytes) this.#readPart(at, count).copy(result, done);
      done += count;
    }
    return result;
  }

  /** Bytes of one cluster. */
  #readPart(offset: number, count: number): Buffer {
    const inCluster = offset % this.#clusterBytes;
    const { entry, bitmap } = this.#entryOf(Math.floor(offset / this.#clusterBytes));
    if ((entry & COMPRESSED) !== 0n) return this.#inflate(entry).subarray(inCluster, inCluster + count);
    const place = Number(entry & OFFSET_BITS);
    const kind = this.#header.hasSubclusters
      ? this.#subclusterKind(bitmap, inCluster)
      : plainKind(entry, place);
    if (kind === 'data') return this.#image.read(place + inCluster, count);
    return kind === 'zeros' || !this.#backing ? Buffer.alloc(count) : this.#backing.read(offset, count);
  }

  #entryOf(cluster: number): { readonly entry: bigint; readonly bitmap: bigint } {
    const entryBytes = this.#header.hasSubclusters ? 16 : 8;
    const perTable = this.#clusterBytes / entryBytes;
    const l1Index = Math.floor(cluster / perTable);
    if (l1Index >= this.#header.l1Entries) throw damaged(this.#file, 'its first table is too short');
    const l1 = this.#image.read(this.#header.l1Offset + l1Index * 8, 8).readBigUInt64BE();
    const table = Number(l1 & OFFSET_BITS);
    if (table === 0) return { entry: 0n, bitmap: 0n };
    const bytes = this.#image.read(table + (cluster % perTable) * entryBytes, entryBytes);
    return {
      entry: bytes.readBigUInt64BE(0),
      bitmap: this.#header.hasSubclusters ? bytes.readBigUInt64BE(8) : 0n,
    };
  }

  #subclusterKind(bitmap: bigint, inCluster: number): ClusterKind {
    const index = BigInt(Math.floor((inCluster * SUBCLUSTERS) / this.#clusterBytes));
    if (((bitmap >> index) & 1n) !== 0n) return 'data';
    return ((bitmap >> (index + BigInt(SUBCLUSTERS))) & 1n) === 0n ? 'absent' : 'zeros';
  }

  #inflate(entry: bigint): Buffer {
    const offsetBits = 62n - BigInt(this.#header.clusterBits - 8);
    const offset = Number(entry & ((1n << offsetBits) - 1n));
    const sectors = Number((entry & (COMPRESSED - 1n)) >> offsetBits) + 1;
    const packed = this.#image.read(offset, sectors * SECTOR - (offset % SECTOR));
    const unpack = this.#header.hasZstd ? this.#zstd() : unzip;
    const cluster = this.#unpacked(() => unpack(packed));
    if (cluster.length < this.#clusterBytes) throw damaged(this.#file, 'a compressed cluster');
    return cluster;
  }

  #unpacked(unpack: () => Buffer): Buffer {
    try {
      return unpack();
    } catch (error) {
      // Codes of zlib.
      if (errnoOf(error) === undefined) throw error;
      throw damaged(this.#file, 'a compressed cluster');
    }
  }

  #zstd(): (packed: Buffer) => Buffer {
    // Node has it since 22.15.
    const { zstdDecompressSync, constants } = createRequire(import.meta.url)('node:zlib') as ZlibWithZstd;
    if (zstdDecompressSync)
      return (packed) => zstdDecompressSync(packed, { finishFlush: constants.ZSTD_e_flush });
    throw new ImageError(
      `disk image ${this.#file} is compressed with zstd, which this Node ${process.versions.node} cannot read`,
      'use Node 22.15 or newer, or convert the image: qemu-img convert -O qcow2 OLD NEW',
    );
  }
}

type ClusterKind = 'data' | 'zeros' | 'absent';

interface ZlibWithZstd {
  readonly zstdDecompressSync?: (packed: Buffer, options: { readonly finishFlush: number }) => Buffer;
  readonly constants: { readonly ZSTD_e_flush: number };
}

function plainKind(entry: bigint, place: number): ClusterKind {
  if ((entry & ALL_ZEROS) !== 0n) return 'zeros';
  return place === 0 ? 'absent' : 'data';
}

/** What is asked to flush, and not to finish, does not mind that the last sector has something else behind the cluster. */
function unzip(packed: Buffer): Buffer {
  return inflateRawSync(packed, { finishFlush: constants.Z_SYNC_FLUSH });
}

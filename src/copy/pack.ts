import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  type Stats,
} from 'node:fs';
import { errorDiagnostic, warningDiagnostic } from '../base/diagnostic.ts';
import { errnoOf, systemHint } from '../host/errno.ts';
import type { CopyObserver } from './api.ts';
import { pathOf, shown } from './bytes.ts';
import { encodeHeader, type EntryKind, paddedBytes, type TarHeader } from './tar-header.ts';

/** Something of the host that is packed. Both are byte strings. */
export interface PackRoot {
  /** Absolute path. */
  readonly from: string;
  /** Name in the stream; empty for the contents of a directory without the directory. */
  readonly to: string;
}

/** An entry of the stream. */
export interface Packed {
  readonly to: string;
  readonly isDirectory: boolean;
}

export interface PackOptions extends CopyObserver {
  /** Owners as they are on the host; root otherwise. */
  readonly keepsOwners: boolean;
  readonly ignores?: (path: string, isDirectory: boolean) => boolean;
  /** Whether something else follows in the stream. */
  readonly isOpenEnded?: boolean;
  /** Called for everything that the stream holds. */
  readonly onPacked?: (packed: Packed) => void;
  /** Called for a root that does not exist; such a one is left out. */
  readonly onMissing?: (root: PackRoot) => void;
}

/** Bytes of a file that are held at once. */
const CHUNK_BYTES = 256 * 1024;

/** Two blocks of zeros. */
export const TAR_END: Buffer = Buffer.alloc(1024);

/**
 * The pieces of a tar stream of those files: headers and contents, read as they are asked for. Sockets, pipes and
 * devices are left out with a notice; what cannot be read is told as an error, and the rest goes on.
 */
export function* packTar(roots: Iterable<PackRoot>, options: PackOptions): Generator<Buffer> {
  const packer = new Packer(options);
  for (const root of roots) yield* packer.pack(root);
  if (!options.isOpenEnded) yield TAR_END;
}

/** A file of the stream that is on no disk. */
export function packText(name: string, text: string): Buffer {
  const body = Buffer.alloc(paddedBytes(text.length));
  body.write(text, 'latin1');
  const stat = { mode: 0o600, uid: 0, gid: 0, mtimeMs: 0 };
  return Buffer.concat([encodeHeader(headerOf('file', name, { stat, size: text.length })), body]);
}

interface HeaderMore {
  readonly linkName?: string;
  readonly size?: number;
}

interface Facts extends HeaderMore {
  readonly stat: Pick<Stats, 'mode' | 'uid' | 'gid' | 'mtimeMs'>;
}

function headerOf(kind: EntryKind, name: string, { stat, linkName = '', size = 0 }: Facts): TarHeader {
  const { mode, uid, gid, mtimeMs } = stat;
  const mtimeSeconds = Math.floor(mtimeMs / 1000);
  return { kind, name, linkName, mode: mode & 0o7777, uid, gid, size, mtimeSeconds };
}

class Packer {
  readonly #options: PackOptions;
  /** Names of files that have several, by device and inode. */
  readonly #linked = new Map<string, string>();
  #files = 0;
  #bytes = 0;

  constructor(options: PackOptions) {
    this.#options = options;
  }

  *pack(root: PackRoot): Generator<Buffer> {
    // A tree may be deeper than the stack.
    const waiting: PackRoot[] = [root];
    for (let entry = waiting.pop(); entry !== undefined; entry = waiting.pop()) {
      const stat = this.#attempt(entry, () => lstatSync(pathOf(entry.from)), entry === root);
      if (stat === undefined) continue;
      if (stat.isDirectory()) {
        const names = this.#attempt(entry, () => readdirSync(pathOf(entry.from), 'latin1')) ?? [];
        if (entry.to !== '') yield this.#header('directory', `${entry.to}/`, stat);
        const inside = names.toSorted().map((name) => below(entry, name));
        waiting.push(...inside.filter((child) => !this.#isIgnored(child)).toReversed());
      } else if (stat.isFile()) {
        yield* this.#packFile(entry, stat);
      } else if (stat.isSymbolicLink()) {
        const linkName = this.#attempt(entry, () => readlinkSync(pathOf(entry.from), 'latin1'));
        if (linkName === undefined) continue;
        yield this.#header('symlink', entry.to, stat, { linkName });
        this.#count();
      } else {
        this.#warn(`${shown(entry.from)} is ${kindName(stat)} and is not copied`);
      }
    }
  }

  *#packFile(entry: PackRoot, { nlink }: Stats): Generator<Buffer> {
    // Not waiting and not following, in case it became something else just now.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const fd = this.#attempt(entry, () => openSync(pathOf(entry.from), flags));
    if (fd === undefined) return;
    try {
      const stat = fstatSync(fd);
      if (!stat.isFile()) {
        this.#warn(`${shown(entry.from)} is ${kindName(stat)} and is not copied`);
        return;
      }
      const first = nlink > 1 ? this.#firstName(fd, entry.to) : undefined;
      if (first !== undefined) {
        yield this.#header('link', entry.to, stat, { linkName: first });
      } else {
        yield this.#header('file', entry.to, stat, { size: stat.size });
        yield* this.#contents(entry, fd, stat.size);
      }
      this.#count();
    } finally {
      closeSync(fd);
    }
  }

  /** As many bytes as the header says, whatever becomes of the file. */
  *#contents(entry: PackRoot, fd: number, size: number): Generator<Buffer> {
    let done = 0;
    while (done < size) {
      const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, size - done));
      const got = this.#attempt(entry, () => readSync(fd, chunk, 0, chunk.length, null)) ?? 0;
      if (got === 0) break;
      done += got;
      this.#bytes += got;
      yield chunk.subarray(0, got);
      if (done < size) this.#options.onProgress?.({ files: this.#files, bytes: this.#bytes });
    }
    if (done < size) this.#fail(`${shown(entry.from)} became shorter while it was read; zeros fill the copy`);
    for (let missing = paddedBytes(size) - done; missing > 0; missing -= CHUNK_BYTES) {
      yield Buffer.alloc(Math.min(CHUNK_BYTES, missing));
    }
  }

  /** The name that the same file has got before. Inode numbers may be larger than what a number holds. */
  #firstName(fd: number, name: string): string | undefined {
    const { dev, ino } = fstatSync(fd, { bigint: true });
    const key = `${dev}:${ino}`;
    const first = this.#linked.get(key);
    if (first === undefined) this.#linked.set(key, name);
    return first;
  }

  #header(kind: EntryKind, name: string, { mode, uid, gid, mtimeMs }: Stats, more: HeaderMore = {}): Buffer {
    this.#options.onPacked?.({
      to: kind === 'directory' ? name.slice(0, -1) : name,
      isDirectory: kind === 'directory',
    });
    const owner = this.#options.keepsOwners ? { uid, gid } : { uid: 0, gid: 0 };
    return encodeHeader(headerOf(kind, name, { stat: { mode, mtimeMs, ...owner }, ...more }));
  }

  #isIgnored({ from }: PackRoot): boolean {
    const { ignores } = this.#options;
    if (ignores === undefined) return false;
    const stat = lstatSync(pathOf(from), { throwIfNoEntry: false });
    return stat === undefined || ignores(pathOf(from).toString('utf8'), stat.isDirectory());
  }

  /** The result, or undefined after a word about why there is none. */
  #attempt<T>(entry: PackRoot, work: () => T, isRoot = false): T | undefined {
    try {
      return work();
    } catch (error) {
      const code = errnoOf(error);
      if (code === undefined) throw error;
      if (isRoot && (code === 'ENOENT' || code === 'ENOTDIR')) this.#options.onMissing?.(entry);
      else if (code === 'ENOENT') this.#warn(`${shown(entry.from)} was removed while it was copied`);
      else this.#fail(`cannot read ${shown(entry.from)}: ${code}`, systemHint(code));
      return undefined;
    }
  }

  #count(): void {
    this.#files++;
    this.#options.onProgress?.({ files: this.#files, bytes: this.#bytes });
  }

  #warn(message: string): void {
    this.#options.onNotice?.(warningDiagnostic('io', message));
  }

  #fail(message: string, hint?: string): void {
    this.#options.onNotice?.(errorDiagnostic('io', message, hint === undefined ? {} : { hint }));
  }
}

function below({ from, to }: PackRoot, name: string): PackRoot {
  return {
    from: from.endsWith('/') ? from + name : `${from}/${name}`,
    to: to === '' ? name : `${to}/${name}`,
  };
}

function kindName(stat: Stats): string {
  if (stat.isSocket()) return 'a socket';
  if (stat.isFIFO()) return 'a named pipe';
  return stat.isBlockDevice() || stat.isCharacterDevice() ? 'a device' : 'no file';
}

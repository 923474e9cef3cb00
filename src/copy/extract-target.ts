import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readlinkSync,
  renameSync,
  type Stats,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { errnoOf, ignoreErrno } from '../host/errno.ts';
import { pathOf, shown } from './bytes.ts';
import type { TarHeader } from './tar-header.ts';

/** An entry that must not be written; the message is for the user. */
export class Refused extends Error {
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

type Place = readonly string[];

const SET_ID_BITS = 0o6000;

/**
 * One directory of the host that entries of a stream are written into. A directory below it is looked at once: nothing
 * here ever replaces one, so what was a directory stays one.
 */
export class ExtractTarget {
  readonly #root: string;
  readonly #keepsOwners: boolean;
  readonly #verified = new Set<string>();
  /** Rights and times that directories get in the end: with them, nothing more might be written there. */
  readonly #directories = new Map<string, TarHeader>();
  #isDeniedOwners = false;

  constructor(root: string, keepsOwners: boolean) {
    this.#root = root === '/' ? '' : root;
    this.#keepsOwners = keepsOwners;
  }

  /** Makes the directory, or takes one that is there. The root of all stays as it is. */
  directory(place: Place, header: TarHeader): void {
    if (place.length === 0) return;
    this.#verifyParents(place);
    const path = this.#path(place);
    const there = lstatSync(pathOf(path), { throwIfNoEntry: false });
    if (there === undefined) mkdirSync(pathOf(path), 0o700);
    else if (!there.isDirectory()) {
      throw new Refused(
        `cannot overwrite ${shown(path)}, which is no directory, with a directory`,
        'remove it first',
      );
    }
    this.#verified.add(path);
    this.#directories.set(path, header);
  }

  async file(place: Place, header: TarHeader, body: AsyncIterable<Buffer>): Promise<void> {
    const path = this.#pathForFile(place);
    const { fd, writtenTo } = createFile(path);
    try {
      for await (const chunk of body) writeWhole(fd, chunk);
      const isOwner = this.#chown(() => fchownSync(fd, header.uid, header.gid));
      fchmodSync(fd, isOwner ? header.mode : header.mode & ~SET_ID_BITS);
      futimesSync(fd, header.mtimeSeconds, header.mtimeSeconds);
      closeSync(fd);
    } catch (error) {
      closeQuietly(fd);
      removeQuietly(writtenTo);
      throw error;
    }
    if (writtenTo !== path) replace(writtenTo, path);
  }

  symlink(place: Place, header: TarHeader): void {
    const path = this.#pathForFile(place);
    const madeAt = createLink(path, header.linkName);
    this.#chown(() => lchownSync(pathOf(madeAt), header.uid, header.gid));
    lutimesSync(pathOf(madeAt), header.mtimeSeconds, header.mtimeSeconds);
    if (madeAt !== path) replace(madeAt, path);
  }

  /** A further name of a file that came before. */
  link(place: Place, first: Place): void {
    const path = this.#pathForFile(place);
    this.#verifyParents(first);
    const firstPath = this.#path(first);
    const there = lstatSync(pathOf(firstPath), { throwIfNoEntry: false });
    if (path === firstPath) return;
    if (there?.isSymbolicLink()) {
      // link(2) of macOS would follow it.
      const madeAt = createLink(path, readlinkSync(pathOf(firstPath), 'latin1'));
      if (madeAt !== path) replace(madeAt, path);
      return;
    }
    if (!there?.isFile())
      throw new Refused(`${shown(path)} is a link to ${shown(firstPath)}, which did not come`);
    try {
      linkSync(pathOf(firstPath), pathOf(path));
    } catch (error) {
      ignoreErrno(error, 'EEXIST');
      refuseDirectory(path);
      unlinkSync(pathOf(path));
      linkSync(pathOf(firstPath), pathOf(path));
    }
  }

  /** Gives directories their rights and times, the deepest first, and returns warnings. */
  finish(): readonly string[] {
    const warnings: string[] = [];
    for (const [path, header] of [...this.#directories].toReversed()) {
      try {
        const isOwner = this.#chown(() => lchownSync(pathOf(path), header.uid, header.gid));
        chmodSync(pathOf(path), isOwner ? header.mode : header.mode & ~SET_ID_BITS);
        utimesSync(pathOf(path), header.mtimeSeconds, header.mtimeSeconds);
      } catch (error) {
        const code = errnoOf(error);
        if (code === undefined) throw error;
        warnings.push(`cannot set mode and time of ${shown(path)}: ${code}`);
      }
    }
    this.#directories.clear();
    if (this.#isDeniedOwners) warnings.push('owners are not kept: only root may give files away');
    return warnings;
  }

  #path(place: Place): string {
    return [this.#root, ...place].join('/');
  }

  #pathForFile(place: Place): string {
    if (place.length === 0)
      throw new Refused(`cannot overwrite ${shown(this.#root)}, which is a directory, with a file`);
    this.#verifyParents(place);
    return this.#path(place);
  }

  /** Makes missing parents. A symbolic link among them may come from the stream, or lead anywhere. */
  #verifyParents(place: Place): void {
    for (let depth = 1; depth < place.length; depth++) {
      const path = this.#path(place.slice(0, depth));
      if (this.#verified.has(path)) continue;
      const there = lstatSync(pathOf(path), { throwIfNoEntry: false });
      if (there === undefined) mkdirSync(pathOf(path));
      else if (!there.isDirectory()) throw notThrough(path, there);
      this.#verified.add(path);
    }
  }

  /** Whether the owner is as in the stream. */
  #chown(change: () => void): boolean {
    if (!this.#keepsOwners || this.#isDeniedOwners) return false;
    try {
      change();
      return true;
    } catch (error) {
      ignoreErrno(error, 'EPERM');
      this.#isDeniedOwners = true;
      return false;
    }
  }
}

function notThrough(path: string, there: Stats): Refused {
  const what = there.isSymbolicLink() ? 'a symbolic link' : 'no directory';
  return new Refused(`cannot write below ${shown(path)}, which is ${what}`, 'remove it first');
}

/** A new file, under another name where there is one already. */
function createFile(path: string): { readonly fd: number; readonly writtenTo: string } {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  try {
    return { fd: openSync(pathOf(path), flags, 0o600), writtenTo: path };
  } catch (error) {
    ignoreErrno(error, 'EEXIST');
  }
  refuseDirectory(path);
  const writtenTo = beside(path);
  return { fd: openSync(pathOf(writtenTo), flags, 0o600), writtenTo };
}

function createLink(path: string, linkName: string): string {
  try {
    symlinkSync(pathOf(linkName), pathOf(path));
    return path;
  } catch (error) {
    ignoreErrno(error, 'EEXIST');
  }
  refuseDirectory(path);
  const madeAt = beside(path);
  symlinkSync(pathOf(linkName), pathOf(madeAt));
  return madeAt;
}

function refuseDirectory(path: string): void {
  if (!lstatSync(pathOf(path), { throwIfNoEntry: false })?.isDirectory()) return;
  throw new Refused(`cannot overwrite directory ${shown(path)} with a file`, 'remove it first');
}

/** A name that nobody has; short, as the name itself may be as long as names can be. */
function beside(path: string): string {
  return `${path.slice(0, path.lastIndexOf('/') + 1)}.krun-${randomBytes(8).toString('hex')}`;
}

function replace(from: string, to: string): void {
  try {
    renameSync(pathOf(from), pathOf(to));
  } catch (error) {
    removeQuietly(from);
    throw error;
  }
}

function writeWhole(fd: number, chunk: Buffer): void {
  for (let at = 0; at < chunk.length;) at += writeSync(fd, chunk, at);
}

function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch (error) {
    ignoreErrno(error, 'EBADF');
  }
}

/** The error that led here is the one to tell. */
function removeQuietly(path: string): void {
  try {
    unlinkSync(pathOf(path));
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
  }
}

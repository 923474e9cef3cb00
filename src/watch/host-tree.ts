import { lstatSync, readdirSync, readFileSync, type Stats } from 'node:fs';
import path from 'node:path';
import { ignoreErrno } from '../host/errno.ts';
import { type Change, isChanged, isWithin, type Look } from './changes.ts';
import type { Matcher } from './matcher.ts';

/** File systems stamp writes with the time of the last tick; two writes within one may look the same. */
export const TICK_MS = 20;

/** Where more paths than these are in doubt, all are looked at: their events were more than a queue may hold. */
const MANY_DOUBTS = 2000;

const UNREADABLE = ['EACCES', 'EPERM', 'ELOOP', 'EIO'];

/** What a rule's files looked like when they were last looked at. Events only say where to look again. */
export class HostTree {
  readonly #root: string;
  readonly #matcher: Matcher;
  readonly #looks = new Map<string, Look>();
  #hasNewDirectories = false;

  constructor(root: string, matcher: Matcher) {
    this.#root = root;
    this.#matcher = matcher;
    this.#readOuterGitignores();
    this.#walk(root, []);
  }

  /** What the rule's own path is; undefined while there is nothing. */
  get kind(): Look['kind'] | undefined {
    return this.#looks.get(this.#root)?.kind;
  }

  /** Everything that counts, by absolute path, as of the last look. */
  get looks(): ReadonlyMap<string, Look> {
    return this.#looks;
  }

  /**
   * Whether directories have come, or been replaced by others of the same name, or the root has gone, since this was
   * last asked.
   */
  takeNewDirectories(): boolean {
    const had = this.#hasNewDirectories;
    this.#hasNewDirectories = false;
    return had;
  }

  /** Looks at paths again, and at what is below those that are new; gives what became of them. */
  refresh(doubts: ReadonlySet<string>): readonly Change[] {
    const gitignore = [...doubts].some((doubt) => path.basename(doubt) === '.gitignore');
    if (doubts.size > MANY_DOUBTS || (gitignore && this.#matcher.gitignore)) return this.refreshAll();
    const changes: Change[] = [];
    const wasThere = this.kind !== undefined;
    for (const doubt of new Set([...doubts].toSorted().map((one) => this.#outermostUnknown(one)))) {
      if (isWithin(doubt, this.#root)) this.#refreshOne(doubt, changes);
    }
    this.#noteCreated(changes);
    this.#hasNewDirectories ||= wasThere && this.kind === undefined;
    return changes;
  }

  /** Looks at everything again. */
  refreshAll(): readonly Change[] {
    const wasThere = this.kind !== undefined;
    const before = new Map(this.#looks);
    this.#looks.clear();
    this.#walk(this.#root, []);
    const changes: Change[] = [];
    for (const [file, { kind }] of before) {
      const now = this.#looks.get(file);
      if (now?.kind !== kind) changes.push({ path: file, type: 'deleted', kind });
    }
    for (const [file, now] of this.#looks) {
      const known = before.get(file);
      if (known?.kind !== now.kind) changes.push({ path: file, type: 'created', kind: now.kind });
      else if (isChanged(known, now)) changes.push({ path: file, type: 'changed', kind: now.kind });
      else this.#noteReplaced(known, now);
    }
    this.#noteCreated(changes);
    this.#hasNewDirectories ||= wasThere && this.kind === undefined;
    return changes;
  }

  #noteCreated(changes: readonly Change[]): void {
    this.#hasNewDirectories ||= changes.some(({ type, kind }) => type === 'created' && kind === 'directory');
  }

  #noteReplaced(known: Look, now: Look): void {
    this.#hasNewDirectories ||= now.kind === 'directory' && known.inode !== now.inode;
  }

  /** A new directory is looked at before what is in it. */
  #outermostUnknown(doubt: string): string {
    let result = doubt;
    for (let parent = path.dirname(doubt); isWithin(parent, this.#root); parent = path.dirname(parent)) {
      if (!this.#looks.has(parent)) result = parent;
      if (parent === '/') break;
    }
    return result;
  }

  #refreshOne(file: string, changes: Change[]): void {
    const known = this.#looks.get(file);
    const now = lookAt(file);
    const counts = now !== undefined && !this.#matcher.ignores(file, now.kind === 'directory');
    if (known !== undefined && (!counts || known.kind !== now.kind)) this.#forget(file, changes);
    if (!counts) return;
    if (known?.kind === now.kind) {
      this.#looks.set(file, now);
      this.#noteReplaced(known, now);
      if (isChanged(known, now)) changes.push({ path: file, type: 'changed', kind: now.kind });
    } else this.#walk(file, changes);
  }

  /** It is gone, with all that it held. */
  #forget(file: string, changes: Change[]): void {
    const gone = this.#looks.get(file);
    const names =
      gone?.kind === 'directory' ? [...this.#looks.keys()].filter((name) => isWithin(name, file)) : [file];
    for (const name of names) {
      const look = this.#looks.get(name);
      if (look) changes.push({ path: name, type: 'deleted', kind: look.kind });
      this.#looks.delete(name);
    }
  }

  /** Takes in a path that was not known, with all that is below it. */
  #walk(start: string, changes: Change[]): void {
    const waiting = [start];
    for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
      const look = lookAt(file);
      if (look === undefined) continue;
      // Before anything beside it is judged.
      if (look.kind === 'directory') this.#readGitignore(file);
      if (this.#matcher.ignores(file, look.kind === 'directory')) continue;
      this.#looks.set(file, look);
      changes.push({ path: file, type: 'created', kind: look.kind });
      if (look.kind !== 'directory') continue;
      for (const name of namesIn(file)) waiting.push(path.join(file, name));
    }
  }

  #readGitignore(directory: string): void {
    this.#matcher.gitignore?.set(directory, readText(path.join(directory, '.gitignore')));
  }

  /** Those above the rule's path, up to the repository's. */
  #readOuterGitignores(): void {
    if (!this.#matcher.gitignore) return;
    const above: string[] = [];
    for (let directory = this.#root; ; directory = path.dirname(directory)) {
      above.push(directory);
      if (lookAt(path.join(directory, '.git')) !== undefined) break;
      if (directory === path.dirname(directory)) return;
    }
    for (const directory of above) this.#readGitignore(directory);
  }
}

/** Undefined for what is not there, and for sockets, pipes and devices. */
export function lookAt(file: string): Look | undefined {
  const stat = statOf(file);
  const kind = stat && kindOf(stat);
  if (!stat || !kind) return undefined;
  const { mode, size, mtimeMs, ino } = stat;
  return { kind, mode: mode & 0o7777, size, mtimeMs, inode: ino, isFresh: Date.now() - mtimeMs < TICK_MS };
}

function statOf(file: string): Stats | undefined {
  try {
    return lstatSync(file, { throwIfNoEntry: false });
  } catch (error) {
    ignoreErrno(error, 'ENOTDIR', ...UNREADABLE);
    return undefined;
  }
}

function kindOf(stat: Stats): Look['kind'] | undefined {
  if (stat.isDirectory()) return 'directory';
  if (stat.isSymbolicLink()) return 'link';
  return stat.isFile() ? 'file' : undefined;
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    ignoreErrno(error, 'ENOENT', 'ENOTDIR', ...UNREADABLE);
    return [];
  }
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    ignoreErrno(error, 'ENOENT', 'ENOTDIR', 'EISDIR', ...UNREADABLE);
    return undefined;
  }
}

import type { Change, Look } from './changes.ts';
import { nameInGuest, type SyncPlace } from './decide.ts';

/** What the guest has, by its name below the directory of a {@link SyncPlace}. */
export type GuestListing = ReadonlyMap<string, GuestLook>;

export interface GuestLook {
  readonly kind: Look['kind'] | 'other';
  /** Permission bits without those that only an owner may set. */
  readonly mode: number;
  readonly size: number;
  readonly mtimeSeconds: number;
}

/** Ends a listing that is complete. */
const END = 'end/';

/** Lists what is at a name ($2) in a directory ($1), with `stat`; passes over directories of some names. */
export function listingScript(passedOver: readonly string[]): string {
  const prune = passedOver.map((name) => `-name '${name}' -prune -o `).join('');
  return `cd "$1" 2>/dev/null || { echo ${END}; exit 0; }
[ -e "./$2" ] || [ -L "./$2" ] || { echo ${END}; exit 0; }
find "./$2" ${prune}-exec stat -c '%f %s %Y %n' {} + && echo ${END}`;
}

/** Undefined for a listing that is not complete: the guest has no such tools, or could not read all of it. */
export function parseListing(text: string): GuestListing | undefined {
  const lines = text.split('\n');
  if (lines.pop() !== '' || lines.pop() !== END) return undefined;
  const listing = new Map<string, GuestLook>();
  for (const line of lines) {
    const [, mode, size, mtime, path] = /^([0-9a-f]+) (\d+) (-?\d+) (.*)$/.exec(line) ?? [];
    // The second line of a name with a line break in it: such a file is sent again.
    if (mode === undefined || path === undefined) continue;
    const bits = Number.parseInt(mode, 16);
    const name = path.replace(/^(?:\.\/)+/, '').replace(/^\.$/, '');
    const kind = KINDS.get(bits >> 12) ?? 'other';
    listing.set(name, { kind, mode: bits & 0o777, size: Number(size), mtimeSeconds: Number(mtime) });
  }
  return listing;
}

/** File types as in `st_mode`. */
const KINDS: ReadonlyMap<number, Look['kind']> = new Map([
  [0o04, 'directory'],
  [0o10, 'file'],
  [0o12, 'link'],
]);

export interface Comparison {
  /** What the guest lacks or has otherwise. */
  readonly changes: readonly Change[];
  /** Names of what the guest has and the host has not. */
  readonly extra: readonly string[];
}

/** What the guest needs to have what the host has. */
export function compareTrees(
  looks: ReadonlyMap<string, Look>,
  listing: GuestListing,
  at: { readonly path: string; readonly place: SyncPlace },
): Comparison {
  const changes: Change[] = [];
  const named = new Set<string>();
  for (const [path, look] of looks) {
    const name = nameInGuest(path, at.path, at.place);
    named.add(name);
    const there = listing.get(name);
    if (there?.kind !== look.kind) changes.push({ path, type: 'created', kind: look.kind });
    else if (differs(look, there)) changes.push({ path, type: 'changed', kind: look.kind });
  }
  return { changes, extra: [...listing.keys()].filter((name) => !named.has(name)) };
}

/** A tar stream has whole seconds. */
function differs(look: Look, there: GuestLook): boolean {
  if (look.kind === 'directory') return false;
  if (look.kind === 'file' && (look.mode & 0o777) !== there.mode) return true;
  return look.size !== there.size || Math.floor(look.mtimeMs / 1000) !== there.mtimeSeconds;
}

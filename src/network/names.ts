/** Domain of the machines of a project; `internal` is kept for private use, so no name server has it. */
export const NETWORK_DOMAIN = 'krun.internal';

/** A name of something on the network. */
export interface NameEntry {
  readonly ip: number;
  /** Lower-case; the first is its proper one. Those without a dot are in {@link NETWORK_DOMAIN} as well. */
  readonly names: readonly string[];
}

/** Which addresses a name has, and the reverse; case does not count. */
export class NameTable {
  readonly #addresses = new Map<string, number[]>();
  readonly #names = new Map<number, string>();

  /** Where a name is both, it is the reserved one. */
  constructor(reserved: Iterable<NameEntry>, members: Iterable<NameEntry>) {
    this.#enter(reserved, new Set());
    this.#enter(members, new Set(this.#addresses.keys()));
  }
  /** Several where machines share an alias, none where nobody has it; undefined where others may know the name. */
  addresses(name: string): readonly number[] | undefined {
    const key = name.toLowerCase();
    const found = this.#addresses.get(key);
    if (found) return found;
    return isInDomain(key) ? [] : undefined;
  }

  /** Name for `2.127.168.192.in-addr.arpa`. */
  reverse(name: string): string | undefined {
    const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.in-addr\.arpa$/i.exec(name);
    if (!match) return undefined;
    const [last, third, second, first] = match.slice(1).map(Number);
    return this.#names.get(
      (((first ?? 0) << 24) | ((second ?? 0) << 16) | ((third ?? 0) << 8) | (last ?? 0)) >>> 0,
    );
  }

  #enter(entries: Iterable<NameEntry>, taken: ReadonlySet<string>): void {
    for (const { ip, names } of entries) {
      const all = new Set(names.flatMap(spellings));
      for (const name of all) if (!taken.has(name)) this.#add(name, ip);
      const [proper] = names;
      if (proper !== undefined && !this.#names.has(ip)) this.#names.set(ip, longName(proper));
    }
  }

  #add(name: string, ip: number): void {
    const known = this.#addresses.get(name);
    if (known === undefined) this.#addresses.set(name, [ip]);
    else known.push(ip);
  }
}

function spellings(name: string): readonly string[] {
  const lower = name.toLowerCase();
  return isInDomain(lower) ? [lower] : [lower, `${lower}.${NETWORK_DOMAIN}`];
}

function longName(name: string): string {
  return spellings(name).at(-1) ?? name;
}

function isInDomain(lower: string): boolean {
  return lower === NETWORK_DOMAIN || lower.endsWith(`.${NETWORK_DOMAIN}`);
}

/** Names that machines cannot have, because guests find something else under them. */
const TAKEN = new Set(['host', 'gateway', 'localhost']);

const LONGEST_NAME = 63;

/** Names of compose by the names that krun can have: lower-case letters, digits, `-` and `_`. */
export class Names {
  readonly #names = new Map<string, string>();

  constructor(originals: readonly string[]) {
    const used = new Set<string>();
    for (const original of originals) {
      const base = krunName(original);
      let name = base;
      for (let number = 2; used.has(name); number++) name = `${base}-${number}`;
      used.add(name);
      this.#names.set(original, name);
    }
  }

  /** krun's name for one of compose's, also for one that the file does not define. */
  of(original: string): string {
    return this.#names.get(original) ?? krunName(original);
  }
}

/** A name that krun takes, as near as possible to a text. */
export function krunName(text: string): string {
  // What stands for another text becomes a name only later.
  if (text.includes('$')) return text;
  const name = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/g, '-')
    .replace(/^[-_]+/, '')
    .slice(0, LONGEST_NAME);
  if (name === '') return 'unnamed';
  return TAKEN.has(name) ? `${name}-machine` : name;
}

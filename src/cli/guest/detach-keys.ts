import { err, ok, type Result } from '../../base/result.ts';

/** Keys that leave a guest's terminal, as bytes; empty for none. */
export type DetachKeys = readonly number[];

/** ctrl-p ctrl-q, as docker has it. */
export const DEFAULT_DETACH_KEYS = 'ctrl-p,ctrl-q';

/** Keys as docker writes them, `ctrl-p,ctrl-q` or `a,b`; the error says what is wrong. */
export function parseDetachKeys(text: string): Result<DetachKeys, string> {
  if (text === '') return ok([]);
  const bytes: number[] = [];
  for (const key of text.split(',')) {
    const letter = /^ctrl-([a-z@[\\\]^_])$/.exec(key.toLowerCase())?.[1];
    // Control keys are the letter's code without its upper bits.
    if (letter !== undefined) bytes.push(letter.charCodeAt(0) & 0x1f);
    else if (/^[!-~]$/.test(key)) bytes.push(key.charCodeAt(0));
    else return err(`"${key}" is no key: write a character, or ctrl- and one of a-z @ [ \\ ] ^ _`);
  }
  return ok(bytes);
}

/** Finds the detach keys in what is typed, and holds the beginning of them back until it is clear what they are. */
export class DetachFilter {
  readonly #keys: DetachKeys;
  #matched = 0;

  constructor(keys: DetachKeys) {
    this.#keys = keys;
  }

  /** What goes to the guest, and whether the keys were among the input. */
  push(input: Uint8Array): { readonly bytes: Uint8Array; readonly detached: boolean } {
    if (this.#keys.length === 0) return { bytes: input, detached: false };
    const out: number[] = [];
    for (const byte of input) {
      if (this.#advance(byte, out)) return { bytes: Uint8Array.from(out), detached: true };
    }
    return { bytes: Uint8Array.from(out), detached: false };
  }

  /** Takes one byte; whether all keys have come. What turned out to be something else goes to `out`. */
  #advance(byte: number, out: number[]): boolean {
    if (byte === this.#keys[this.#matched]) {
      this.#matched += 1;
      if (this.#matched < this.#keys.length) return false;
      this.#matched = 0;
      return true;
    }
    const held = [...this.#keys.slice(0, this.#matched), byte];
    // The longest end of what has come may be the beginning of the keys.
    let kept = held.length - 1;
    while (kept > 0 && !held.slice(-kept).every((each, index) => each === this.#keys[index])) kept -= 1;
    this.#matched = kept;
    out.push(...held.slice(0, held.length - kept));
    return false;
  }
}

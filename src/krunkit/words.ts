import { errorDiagnostic, type Diagnostic } from '../base/diagnostic.ts';
import { nearest, quotedList } from '../base/text.ts';

/**
 * The `key=value,key` list of one argument. As in krunkit, a comma ends a value and `=` cannot be part of
 * one. Every mistake is kept, with the whole argument named.
 */
export class Words {
  /** The argument as it was written: `--device virtio-blk,path=/x`. */
  readonly #argument: string;
  readonly #values = new Map<string, string>();
  readonly #diagnostics: Diagnostic[] = [];

  constructor(argument: string, text: string, known: readonly string[]) {
    this.#argument = argument;
    const pieces = text === '' ? [] : text.split(',');
    for (const piece of pieces) this.#add(piece, known);
  }

  get diagnostics(): readonly Diagnostic[] {
    return this.#diagnostics;
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  /** The value of a key; undefined, and told, where it has none. */
  text(key: string): string | undefined {
    const value = this.#values.get(key);
    if (value === '') this.reject('missing-key', `\`${key}\` needs a value`, `write ${key}=VALUE`);
    return value || undefined;
  }

  /** The same for a key that must be there. */
  required(key: string): string | undefined {
    if (!this.has(key)) this.reject('missing-key', `\`${key}\` is missing`, `add ${key}=VALUE`);
    return this.text(key);
  }

  /** Whether a word without a value is there. */
  flag(key: string): boolean {
    const value = this.#values.get(key);
    if (value) this.reject('invalid-value', `\`${key}\` takes no value`, `write \`${key}\` alone`);
    return value !== undefined;
  }

  boolean(key: string): boolean {
    const value = this.text(key);
    if (value === undefined) return false;
    return this.choice(key, value, { on: true, true: true, off: false, false: false }) ?? false;
  }

  /** What a value stands for; undefined, and told, for any that is not in the table. */
  choice<T>(key: string, value: string, table: Readonly<Record<string, T>>): T | undefined {
    if (Object.hasOwn(table, value)) return table[value];
    const names = Object.keys(table);
    const meant = nearest(value, names);
    const hint = meant === undefined ? `write one of ${names.join(', ')}` : `did you mean ${meant}?`;
    this.reject('invalid-value', `\`${key}\` cannot be \`${value}\``, hint);
    return undefined;
  }

  /** A whole number; undefined, and told, for anything else. */
  number(key: string, value: string | undefined, least: number, most: number): number | undefined {
    if (value === undefined) return undefined;
    const number = wholeNumber(value, least, most);
    if (number === undefined)
      this.reject('invalid-value', `\`${key}\` must be a number from ${least} to ${most}, not \`${value}\``);
    return number;
  }

  reject(code: Diagnostic['code'], message: string, hint?: string): void {
    this.#diagnostics.push(
      errorDiagnostic(code, `${this.#argument}: ${message}`, hint === undefined ? {} : { hint }),
    );
  }

  #add(piece: string, known: readonly string[]): void {
    const [key = '', value = '', ...more] = piece.split('=');
    if (!known.includes(key)) {
      this.#rejectKey(key, known);
      return;
    }
    if (more.length > 0)
      this.reject(
        'invalid-value',
        `the value of \`${key}\` has a second \`=\``,
        'krunkit takes no such value',
      );
    if (this.#values.has(key))
      this.reject('duplicate-key', `\`${key}\` is given twice`, 'remove one of the two');
    this.#values.set(key, value);
  }

  #rejectKey(key: string, known: readonly string[]): void {
    if (key === '') {
      this.reject('invalid-value', 'there is nothing between two commas, or after the last');
      return;
    }
    const meant = nearest(key, known);
    const own = known.length === 0 ? 'it takes no arguments' : `it takes ${quotedList(known, 'and')}`;
    // A comma in a path looks like one more argument.
    const comma = key.includes('/') || key.includes('.') ? '; a comma cannot be part of a value' : '';
    const hint = meant === undefined ? own + comma : `did you mean \`${meant}\`?`;
    this.reject('unknown-key', `unknown argument \`${key}\``, hint);
  }
}

/** A whole number in that range, written with digits only. */
export function wholeNumber(text: string, least: number, most: number): number | undefined {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return number >= least && number <= most ? number : undefined;
}

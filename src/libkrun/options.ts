import { fstatSync } from 'node:fs';
import { isatty } from 'node:tty';
import { ignoreErrno } from '../host/errno.ts';
import { MOST_SOCKET_PATH_BYTES } from '../host/unix-sockets.ts';
import type { LibkrunFunction } from '../vm/functions.ts';
import { isCString, LARGEST_STRUCTURE_BYTES, MOST_STRINGS, show } from './arguments.ts';
import { ArgumentError } from './errors.ts';
import { isReadable } from './readable.ts';

/** A C structure: its bytes, or where it lies. */
export type NativeStructure = Uint8Array | { readonly address: bigint; readonly byteLength: number };

/** What a text may hold. */
export interface TextRule {
  readonly mostBytes?: number;
  /** `word`: printable ASCII without spaces and double quotes, `line`: printable ASCII. */
  readonly only?: 'word' | 'line';
  readonly mayBeEmpty?: boolean;
}

/** PATH_MAX without the closing NUL. */
const LONGEST_PATH_BYTES = process.platform === 'darwin' ? 1023 : 4095;

/** Reads the options of one call. Whatever is not as it should be ends in an {@link ArgumentError}. */
export class OptionReader {
  readonly call: LibkrunFunction;
  /** Every open file that was read so far. */
  readonly descriptors: number[] = [];
  readonly #options: Readonly<Record<string, unknown>>;
  readonly #asked = new Set<string>();

  constructor(call: LibkrunFunction, options: unknown) {
    if (typeof options !== 'object' || options === null || Array.isArray(options))
      throw new ArgumentError({ call }, `takes an object of options, not ${show(options)}`);
    this.call = call;
    this.#options = options as Readonly<Record<string, unknown>>;
  }

  /** Refuses options that nobody has asked for: a misspelt `readOnly` must not be passed over. */
  finish(): void {
    for (const name of Object.keys(this.#options)) {
      if (this.#asked.has(name) || this.#options[name] === undefined) continue;
      throw new ArgumentError({ call: this.call }, `has no option ${show(name)}`, this.#allOptions());
    }
  }

  has(name: string): boolean {
    return this.#take(name) !== undefined;
  }

  is(name: string, value: string): boolean {
    return this.#take(name) === value;
  }

  /** Null where the option is absent. */
  maybe<T>(name: string, read: () => T): T | null {
    return this.has(name) ? read() : null;
  }

  fail(name: string, problem: string, hint?: string): never {
    throw new ArgumentError({ call: this.call, parameter: name }, problem, hint);
  }

  integer(name: string, range: readonly [least: number, most: number]): number {
    return this.#integer(name, this.#take(name), range);
  }

  /** Required where no fallback is given. */
  flag(name: string, fallback?: boolean): boolean {
    const value = this.#take(name);
    if (value === undefined && fallback !== undefined) return fallback;
    return typeof value === 'boolean' ? value : this.#refuse(name, 'true or false', value);
  }

  text(name: string, rule: TextRule = {}): string {
    return this.#text(name, this.#take(name), rule);
  }

  path(name: string): string {
    return this.text(name, { mostBytes: LONGEST_PATH_BYTES });
  }

  /** libkrun panics on a longer one, in a thread of its own. `reserve`: bytes that it appends to make a path of its own. */
  socketPath(name: string, reserve = 0): string {
    return this.text(name, { mostBytes: MOST_SOCKET_PATH_BYTES - reserve });
  }

  choice(name: string, table: Readonly<Record<string, number>>, fallback?: string): number {
    const value = this.#take(name);
    return this.#choice(name, value === undefined ? fallback : value, table);
  }

  /** Sum of the named bits; 0 where the option is absent. */
  flags(name: string, table: Readonly<Record<string, number>>): number {
    if (!this.has(name)) return 0;
    const bits = this.list(name, (value) => this.#choice(name, value, table));
    return bits.reduce((sum, bit) => (sum | bit) >>> 0, 0);
  }

  list<T>(name: string, read: (value: unknown) => T): readonly T[] {
    const value = this.#take(name);
    if (!Array.isArray(value)) return this.#refuse(name, 'a list', value);
    if (value.length > MOST_STRINGS) this.fail(name, `has ${value.length} entries; ${MOST_STRINGS} fit`);
    return value.map(read);
  }

  texts(name: string, rule: TextRule = {}): readonly string[] {
    return this.list(name, (value) => this.#text(name, value, rule));
  }

  /** The entries of a list of objects, each as a reader of its own. */
  records<T>(name: string, read: (entry: OptionReader) => T): readonly T[] {
    return this.list(name, (value) => {
      const entry = new OptionReader(this.call, value);
      const result = read(entry);
      entry.finish();
      return result;
    });
  }

  /** `NAME=VALUE` for each; empty where the option is absent: libkrun would pass on the host's whole environment. */
  environment(name: string): readonly string[] {
    if (!this.has(name)) return [];
    const value = this.#take(name);
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return this.#refuse(name, 'an object of texts', value);
    return Object.entries(value).map(([key, text]) => {
      if (key === '' || key.includes('='))
        this.fail(name, `has ${show(key)}, which is no name of a variable`);
      if (!isCString(key) || !isCString(text))
        return this.#refuse(`${name}.${key}`, 'a text without NUL', text);
      return `${key}=${text}`;
    });
  }

  /** Lower case, as calls have it. */
  mac(name: string): string {
    const value = this.#take(name);
    const isMac = typeof value === 'string' && /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(value);
    return isMac ? value.toLowerCase() : this.#refuse(name, 'a MAC address like 52:54:00:12:34:56', value);
  }

  bytes(name: string): Uint8Array {
    const value = this.#take(name);
    return value instanceof Uint8Array ? value : this.#refuse(name, 'a Uint8Array', value);
  }

  /** An open file of this process. */
  descriptor(name: string): number {
    const fd = this.integer(name, [0, 0x7fff_ffff]);
    if (!isOpen(fd)) this.fail(name, `must be an open file; ${fd} is none`);
    this.descriptors.push(fd);
    return fd;
  }

  /** -1 where the option is absent. */
  descriptorOrNone(name: string): number {
    return this.has(name) ? this.descriptor(name) : -1;
  }

  terminal(name: string): number {
    const fd = this.descriptor(name);
    if (fd === 0)
      this.fail(name, 'must not be 0: libkrun aborts on it', 'open /dev/tty, or duplicate the file');
    if (!isatty(fd)) this.fail(name, `must be a terminal; ${fd} is none`);
    return fd;
  }

  structure(name: string): readonly [pointer: Uint8Array | bigint, byteLength: number] {
    const value = this.#take(name);
    if (value instanceof Uint8Array) {
      if (value.length === 0) this.fail(name, 'must not be empty');
      return [value, value.length];
    }
    const at = new OptionReader(this.call, value ?? null);
    const address = at.#take('address');
    const byteLength = at.integer('byteLength', [1, LARGEST_STRUCTURE_BYTES]);
    at.finish();
    if (typeof address !== 'bigint' || address <= 0n || address >= 2n ** 64n || address % 8n !== 0n)
      return this.#refuse(name, 'the address of a structure, a multiple of 8', address);
    if (!isReadable(address, byteLength)) this.fail(name, `has no memory at ${show(address)}`);
    return [address, byteLength];
  }

  #take(name: string): unknown {
    this.#asked.add(name);
    return this.#options[name];
  }

  #integer(name: string, value: unknown, [least, most]: readonly [number, number]): number {
    const isInside = Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
    return isInside ? (value as number) : this.#refuse(name, `an integer from ${least} to ${most}`, value);
  }

  #choice(name: string, value: unknown, table: Readonly<Record<string, number>>): number {
    const number = typeof value === 'string' && Object.hasOwn(table, value) ? table[value] : undefined;
    return number ?? this.#refuse(name, `one of ${Object.keys(table).join(', ')}`, value);
  }

  #text(name: string, value: unknown, rule: TextRule): string {
    const { mostBytes = LONGEST_PATH_BYTES, only, mayBeEmpty = false } = rule;
    if (!isCString(value)) return this.#refuse(name, 'a text without NUL and without half characters', value);
    if (value === '' && !mayBeEmpty) this.fail(name, 'must not be empty');
    const bytes = Buffer.byteLength(value);
    if (bytes > mostBytes) this.fail(name, `has ${bytes} bytes; ${mostBytes} fit`);
    if (only === 'word' && /[^\x21\x23-\x7e]/u.test(value))
      this.#refuse(name, 'printable ASCII without spaces and double quotes', value);
    if (only === 'line' && /[^\x20-\x7e]/u.test(value)) this.#refuse(name, 'printable ASCII', value);
    return value;
  }

  #refuse(name: string, wanted: string, value: unknown): never {
    this.fail(
      name,
      value === undefined ? `is missing; it must be ${wanted}` : `must be ${wanted}, not ${show(value)}`,
    );
  }

  #allOptions(): string {
    const names = [...this.#asked].join(', ');
    return names === '' ? 'it takes no options' : `its options are ${names}`;
  }
}

/** Whether the process has a file of that number open. */
export function isOpen(fd: number): boolean {
  try {
    fstatSync(fd);
    return true;
  } catch (error) {
    ignoreErrno(error, 'EBADF');
    return false;
  }
}

import type { Argument } from '../vm/calls.ts';
import { LIBKRUN_FUNCTIONS, type LibkrunFunction, type ParameterType } from '../vm/functions.ts';
import { ArgumentError } from './errors.ts';
import { isReadable } from './readable.ts';

/** libkrun reads at most so many entries of a string array. */
export const MOST_STRINGS = 4095;

/** More than any structure of callbacks has. */
export const LARGEST_STRUCTURE_BYTES = 4096;

/** What koffi is given. */
export type PassedArgument =
  | number
  | bigint
  | boolean
  | string
  | null
  | Uint8Array
  | readonly (string | null)[];

/**
 * Arguments as koffi passes them; throws {@link ArgumentError} for what would crash. Parameters that libkrun writes to
 * have no argument.
 */
export function checkArguments(name: LibkrunFunction, args: readonly Argument[]): readonly PassedArgument[] {
  const types = LIBKRUN_FUNCTIONS[name].parameters.filter((type) => !type.startsWith('out '));
  if (args.length !== types.length)
    throw new ArgumentError({ call: name }, `takes ${types.length} arguments, not ${args.length}`);
  return types.map((type, index) => {
    const value = args[index];
    const wanted = problem(type, value, args[index - 1]);
    if (wanted !== undefined)
      throw new ArgumentError({ call: name }, `argument ${index + 1} must be ${wanted}, not ${show(value)}`);
    return passed(type, value as Argument);
  });
}

/** What a value should have been; undefined for one that is right. */
function problem(type: ParameterType, value: unknown, before: unknown): string | undefined {
  if (!ACCEPTS[type](value)) return NAMES[type];
  if (type !== 'u64') return undefined;
  if (before instanceof Uint8Array)
    return value === before.length ? undefined : 'the number of bytes before it';
  if (typeof before !== 'bigint') return undefined;
  const isStructure = (value as number) <= LARGEST_STRUCTURE_BYTES && isReadable(before, value as number);
  return isStructure ? undefined : 'the size of the structure before it, which lies in memory';
}

/** Bytes that libkrun goes on to read after the call; they live as long as the process. */
const KEPT: Uint8Array[] = [];

function passed(type: ParameterType, value: Argument): PassedArgument {
  // koffi passes arrays as they are; libkrun reads on until it meets a null pointer.
  if (type === 'strings') return [...(value as readonly string[]), null];
  if (type === 'mac') return Uint8Array.from((value as string).split(':'), (byte) => parseInt(byte, 16));
  if (type === 'kept bytes') return keep(value as Uint8Array);
  if (type === 'pointer' && value instanceof Uint8Array) return copy(value);
  return value;
}

/** A copy of krun's own: the caller's bytes may change, or go with the buffer that they are transferred in. */
function keep(bytes: Uint8Array): Uint8Array {
  const kept = copy(bytes);
  KEPT.push(kept);
  return kept;
}

/** Aligned as C structures need it, in memory that the garbage collector does not move. */
function copy(bytes: Uint8Array): Uint8Array {
  const words = new BigUint64Array(Math.max(1, Math.ceil(bytes.length / 8)));
  const copied = new Uint8Array(words.buffer, 0, bytes.length);
  copied.set(bytes);
  return copied;
}

type Check = (value: unknown) => boolean;

const integer =
  (least: number, most: number): Check =>
  (value) =>
    Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
const isBytes: Check = (value) => value instanceof Uint8Array;
const never: Check = () => false;

const ACCEPTS: Readonly<Record<ParameterType, Check>> = {
  u8: integer(0, 0xff),
  u16: integer(0, 0xffff),
  u32: integer(0, 0xffff_ffff),
  u64: integer(0, Number.MAX_SAFE_INTEGER),
  int: integer(-1, 0x7fff_ffff),
  bool: (value) => typeof value === 'boolean',
  string: isCString,
  'string or null': (value) => value === null || isCString(value),
  strings: (value) => Array.isArray(value) && value.length <= MOST_STRINGS && value.every(isCString),
  mac: (value) => typeof value === 'string' && /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/.test(value),
  bytes: isBytes,
  'kept bytes': isBytes,
  pointer: (value) => isBytes(value) || (typeof value === 'bigint' && value > 0n && value < 2n ** 64n),
  'out pointer': never,
  'out size': never,
};

const NAMES: Readonly<Record<ParameterType, string>> = {
  u8: 'an integer from 0 to 255',
  u16: 'an integer from 0 to 65535',
  u32: 'an integer from 0 to 4294967295',
  u64: 'an integer from 0 to 2^53 - 1',
  int: 'an integer from -1 to 2147483647',
  bool: 'true or false',
  string: 'a text without NUL and without half characters',
  'string or null': 'null or a text without NUL and without half characters',
  strings: `at most ${MOST_STRINGS} texts without NUL and without half characters`,
  mac: 'a MAC address like 52:54:00:12:34:56, in lower case',
  bytes: 'a Uint8Array',
  'kept bytes': 'a Uint8Array',
  pointer: 'a Uint8Array or an address',
  'out pointer': 'absent',
  'out size': 'absent',
};

/** Whether C and UTF-8 can say the text: no NUL, no half of a surrogate pair. */
export function isCString(value: unknown): value is string {
  return typeof value === 'string' && !value.includes('\0') && !/\p{Surrogate}/u.test(value);
}

/** A value in an error message: short, whatever it is. */
export function show(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'string') return quote(value);
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'function' || typeof value === 'symbol') return `a ${typeof value}`;
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

function quote(text: string): string {
  const shown = JSON.stringify(text);
  return shown.length <= 60 ? shown : `${shown.slice(0, 56)}…" (${text.length} characters)`;
}

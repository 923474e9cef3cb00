import { statSync } from 'node:fs';
import { koffi } from '../host/koffi.ts';
import type { Argument } from '../vm/calls.ts';
import { LIBKRUN_FUNCTIONS, type LibkrunFunction, type ParameterType } from '../vm/functions.ts';
import { architectureMismatch, startOfFile } from './elf.ts';

const C_TYPES: Readonly<Record<ParameterType, string>> = {
  u8: 'uint8_t',
  u16: 'uint16_t',
  u32: 'uint32_t',
  u64: 'uint64_t',
  int: 'int',
  bool: 'bool',
  string: 'const char *',
  'string or null': 'const char *',
  strings: 'const char **',
  mac: 'const uint8_t *',
  bytes: 'const uint8_t *',
  'kept bytes': 'const uint8_t *',
  pointer: 'const void *',
  'out pointer': '_Out_ const uint8_t **',
  'out size': '_Out_ size_t *',
};

const LIBKRUN = { symbol: 'krun_create_ctx', title: 'libkrun 1' };
const LIBKRUNFW = { symbol: 'krunfw_get_kernel', title: 'libkrunfw 5' };

/** libkrun reads at most so many entries of a string array. */
const MOST_STRINGS = 4095;

/** An opened libkrun. Functions are bound at their first use: one that a build lacks is a capability it does not have. */
export interface Libkrun {
  has(name: LibkrunFunction): boolean;
  /** The function's own result. Throws {@link ArgumentError} before a call that would crash the process. */
  call(name: LibkrunFunction, args: readonly Argument[]): number;
  /** `krun_start_enter` on a thread of its own. Settles only if the machine could not be started. */
  start(context: number): Promise<number>;
}

/** A value that libkrun answers with a segmentation fault or an abort; krun's checks should have refused it before. */
export class ArgumentError extends Error {
  override readonly name = 'ArgumentError';
}

type SharedLibrary = ReturnType<ReturnType<typeof koffi>['load']>;

/** A library that the system's loader, or krun, does not take for what it is named. */
export class LibraryError extends Error {
  override readonly name = 'LibraryError';
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

function loadLibrary(
  file: string,
  marker: { readonly symbol: string; readonly title: string },
): SharedLibrary {
  let library: SharedLibrary;
  try {
    library = koffi().load(file);
  } catch (error) {
    throw new LibraryError(...loadProblem(file, error as Error));
  }
  if (hasSymbol(library, marker.symbol)) return library;
  throw new LibraryError(
    `${file} is not ${marker.title}: it has no ${marker.symbol}`,
    'libkrun 2 has another interface; `krun doctor` checks the libraries',
  );
}

/** What the loader says of a library for another processor is that it does not exist. */
function loadProblem(file: string, error: Error): [message: string, hint: string] {
  const isFile = statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;
  const mismatch = isFile && architectureMismatch(startOfFile(file), process.arch);
  if (mismatch) {
    const hint = 'install the library for the architecture of this host';
    return [`${file} is for ${mismatch}, and this host is ${process.arch}`, hint];
  }
  const message = error.message.replace(/^Failed to load shared library: /, '');
  const hint = message.includes('libcap-ng')
    ? 'install libcap-ng (Debian: libcap-ng0)'
    : '`krun doctor` checks the libraries';
  return [`cannot load ${file}: ${message}`, hint];
}

function hasSymbol(library: SharedLibrary, name: string): boolean {
  try {
    library.symbol(name);
    return true;
  } catch (error) {
    if (String(error).includes('Cannot find')) return false;
    throw error;
  }
}

/**
 * Loads the guest kernel's library first: libkrun then finds it by its internal name, wherever it lies. Throws
 * {@link LibraryError}.
 */
export function openLibkrun(paths: { readonly libkrun: string; readonly libkrunfw?: string }): Libkrun {
  if (paths.libkrunfw !== undefined) loadLibrary(paths.libkrunfw, LIBKRUNFW);
  const library = loadLibrary(paths.libkrun, LIBKRUN);
  const bound = new Map<LibkrunFunction, ReturnType<typeof library.func>>();

  function bind(name: LibkrunFunction): ReturnType<typeof library.func> {
    const known = bound.get(name);
    if (known) return known;
    const types = LIBKRUN_FUNCTIONS[name].parameters.map((type) => C_TYPES[type]);
    const fn = library.func(name, 'int32_t', types);
    bound.set(name, fn);
    return fn;
  }

  return {
    has: (name) => hasSymbol(library, name),
    call(name, args) {
      return bind(name)(...checkArguments(name, args)) as number;
    },
    start(context) {
      const args = checkArguments('krun_start_enter', [context]);
      return new Promise((resolve, reject) => {
        bind('krun_start_enter').async(...args, (error: Error | null, result: number) => {
          if (error) reject(error);
          else resolve(result);
        });
      });
    },
  };
}

/** Functions of an opened library, as a value for the pure part of configuration. */
export function functionsOf(library: Libkrun): ReadonlySet<LibkrunFunction> {
  const names = Object.keys(LIBKRUN_FUNCTIONS) as LibkrunFunction[];
  return new Set(names.filter((name) => library.has(name)));
}

type PassedArgument = number | boolean | string | null | Uint8Array | readonly (string | null)[];

/** Arguments as koffi passes them; throws for what would crash. */
export function checkArguments(name: LibkrunFunction, args: readonly Argument[]): readonly PassedArgument[] {
  const types = LIBKRUN_FUNCTIONS[name].parameters;
  if (args.length !== types.length)
    throw new ArgumentError(`${name} takes ${types.length} arguments, not ${args.length}`);
  return types.map((type, index) => {
    const value = args[index];
    if (!ACCEPTS[type](value))
      throw new ArgumentError(`${name}: argument ${index + 1} must be ${type}, not ${JSON.stringify(value)}`);
    return passed(type, value as Argument);
  });
}

function passed(type: ParameterType, value: Argument): PassedArgument {
  // koffi passes arrays as they are; libkrun reads on until it meets a null pointer.
  if (type === 'strings') return [...(value as readonly string[]), null];
  if (type === 'mac') return Uint8Array.from((value as string).split(':'), (byte) => parseInt(byte, 16));
  return value;
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
  pointer: never,
  'out pointer': never,
  'out size': never,
};

function isCString(value: unknown): boolean {
  return typeof value === 'string' && !value.includes('\0');
}

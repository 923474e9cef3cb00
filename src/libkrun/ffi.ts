import { statSync } from 'node:fs';
import { koffi } from '../host/koffi.ts';
import type { Argument } from '../vm/calls.ts';
import { LIBKRUN_FUNCTIONS, type LibkrunFunction, type ParameterType } from '../vm/functions.ts';
import { checkArguments } from './arguments.ts';
import { architectureMismatch, startOfFile } from './elf.ts';
import { once, processMarks, refuseSecond } from './once.ts';

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
  'out pointer': '_Out_ void **',
  'out size': '_Out_ size_t *',
};

const LIBKRUN = { symbol: 'krun_create_ctx', title: 'libkrun 1' };
const LIBKRUNFW = { symbol: 'krunfw_get_kernel', title: 'libkrunfw 5' };

/** An opened libkrun. Functions are bound at their first use: one that a build lacks is a capability it does not have. */
export interface Libkrun {
  has(name: LibkrunFunction): boolean;
  /**
   * The function's own result. Before a call that would crash the process it throws `ArgumentError`, or `OncePerProcess`
   * where the log is initialised already.
   */
  call(name: LibkrunFunction, args: readonly Argument[]): number;
  /** `krun_get_default_init`: its result, and a copy of libkrun's init where that is 0. */
  defaultInit(): { readonly result: number; readonly bytes: Uint8Array };
  /**
   * `krun_start_enter` on a thread of its own. Settles only if the machine could not be started; throws `OncePerProcess`
   * where the process runs one.
   */
  start(context: number): Promise<number>;
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

/** Forks of libkrun have a krun_add_virtiofs4 with other arguments, and not all that came before it. */
function isForeign(name: LibkrunFunction, library: SharedLibrary): boolean {
  return name === 'krun_add_virtiofs4' && !hasSymbol(library, 'krun_disable_implicit_init');
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

  const marks = processMarks();
  const address = koffi().address(library.symbol(LIBKRUN.symbol));
  // The same wherever the process was loaded from, so that two libraries do not both start a machine.
  const processAddress = koffi().address(koffi().load(null).symbol('getenv'));

  return {
    has: (name) => hasSymbol(library, name) && !isForeign(name, library),
    call(name, args) {
      const checked = checkArguments(name, args);
      return once(name, marks, address, () => bind(name)(...checked) as number);
    },
    defaultInit() {
      const data: [unknown] = [null];
      const size: [number | bigint] = [0];
      const result = bind('krun_get_default_init')(data, size) as number;
      if (result < 0) return { result, bytes: new Uint8Array() };
      return { result, bytes: new Uint8Array(koffi().view(data[0], Number(size[0])).slice(0)) };
    },
    async start(context) {
      const args = checkArguments('krun_start_enter', [context]);
      refuseSecond('krun_start_enter', 'start', marks.isDone('start', processAddress));
      marks.set('start', processAddress, true);
      const result = await new Promise<number>((resolve, reject) => {
        bind('krun_start_enter').async(...args, (error: Error | null, refusal: number) => {
          if (error) reject(error);
          else resolve(refusal);
        });
      });
      marks.set('start', processAddress, false);
      return result;
    },
  };
}

/** Functions of an opened library, as a value for the pure part of configuration. */
export function functionsOf(library: Libkrun): ReadonlySet<LibkrunFunction> {
  const names = Object.keys(LIBKRUN_FUNCTIONS) as LibkrunFunction[];
  return new Set(names.filter((name) => library.has(name)));
}

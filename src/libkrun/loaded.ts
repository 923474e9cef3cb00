import { LOG_LEVELS, LOG_OPTION_NO_ENV, LOG_STYLES } from '../vm/constants.ts';
import { LIBKRUN_FEATURES, type LibkrunFeature, type LibkrunFunction } from '../vm/functions.ts';
import type { Argument } from '../vm/calls.ts';
import { Binding, type LibrarySide } from './binding.ts';
import { Context } from './context.ts';
import { OptionReader } from './options.ts';
import type { LibraryVariant } from './packages.ts';

export type LogLevel = keyof typeof LOG_LEVELS;
export type LogStyle = keyof typeof LOG_STYLES;

export interface LogOptions {
  /** Open file that becomes libkrun's; standard error when absent. Not standard input. */
  readonly target?: number;
  readonly level: LogLevel;
  readonly style?: LogStyle;
  /** `RUST_LOG` has no say. */
  readonly ignoreEnvironment?: boolean;
}

const STANDARD_ERROR = -1;

let read: (library: LoadedLibkrun) => LibrarySide;

/** The functions behind a library: for the builder, which makes a list of calls, and nothing for callers. */
export function sideOf(library: LoadedLibkrun): LibrarySide {
  return read(library);
}

/** A libkrun that is loaded, or a stub of one. */
export class LoadedLibkrun {
  readonly variant: LibraryVariant;
  /** Where the library's file name tells it; libkrun itself does not. */
  readonly version?: string;
  /** The library's file; absent for a stub. */
  readonly path?: string;
  readonly #binding: Binding;

  static {
    read = (library) => library.#binding.side;
  }

  constructor(side: LibrarySide, path: string | undefined) {
    this.#binding = new Binding(side);
    this.variant = side.variant;
    if (side.version !== undefined) this.version = side.version;
    if (path !== undefined) this.path = path;
  }

  /** Whether a function can be called here: the library has it, and the part that it is about. */
  supports(name: LibkrunFunction): boolean {
    return this.#binding.supports(name);
  }

  /**
   * Sends the log to standard error; a process can do this or {@link initLog}, once, whatever part of it asks: the second
   * time is `OncePerProcess`. `RUST_LOG` overrides the level.
   */
  setLogLevel(options: { readonly level: LogLevel }): void {
    this.#make('krun_set_log_level', options, (o) => [o.choice('level', LOG_LEVELS)]);
  }

  /**
   * As {@link setLogLevel}, to a file of the caller's. Without a log at level `error` or above most failures of a start
   * have no reason. EINVAL for unknown settings. libkrun >= 1.13.
   */
  initLog(options: LogOptions): void {
    this.#make('krun_init_log', options, (o) => {
      const target = o.has('target') ? o.descriptor('target') : STANDARD_ERROR;
      if (target === 0) o.fail('target', 'must not be standard input');
      return [
        target,
        o.choice('level', LOG_LEVELS),
        o.choice('style', LOG_STYLES, 'auto'),
        o.flag('ignoreEnvironment', false) ? LOG_OPTION_NO_ENV : 0,
      ];
    });
  }

  /** What a machine is described in. libkrun looks for libkrunfw now, once; that it is missing shows at the start. */
  createContext(): Context {
    return new Context(this.#binding, this.#make('krun_create_ctx', {}));
  }

  /** What the hypervisor can do; EINVAL where it cannot be asked. The bundled kernel uses 16. libkrun >= 1.16. */
  maxVcpus(): number {
    return this.#make('krun_get_max_vcpus', {});
  }

  /** Whether the library was built with a part; false for one that is newer than the library. libkrun >= 1.17.3. */
  hasFeature(options: { readonly feature: LibkrunFeature }): boolean {
    const reader = new OptionReader('krun_has_feature', options);
    reader.choice('feature', LIBKRUN_FEATURES);
    reader.finish();
    this.#binding.refuseMissing('krun_has_feature');
    return this.#binding.hasFeature(options.feature) ?? false;
  }

  /** Whether machines can run inside a machine. EOPNOTSUPP on Linux before 1.18. libkrun >= 1.12. */
  checkNestedVirt(): boolean {
    return this.#make('krun_check_nested_virt', {}) === 1;
  }

  /** A copy of the init that libkrun puts into roots; EOPNOTSUPP where it was built without. libkrun >= 1.19. */
  getDefaultInit(): Uint8Array {
    this.#binding.refuseMissing('krun_get_default_init');
    const { result, bytes } = this.#binding.side.native.defaultInit();
    this.#binding.checked('krun_get_default_init', result);
    return bytes;
  }

  #make(
    name: LibkrunFunction,
    options: object,
    read: (options: OptionReader) => readonly Argument[] = () => [],
  ): number {
    const reader = new OptionReader(name, options);
    const args = read(reader);
    reader.finish();
    return this.#binding.call(name, args);
  }
}

import { constants } from 'node:os';
import type { Argument, Call } from '../vm/calls.ts';
import {
  LIBKRUN_FEATURES,
  type BuildFeature,
  type LibkrunFeature,
  type LibkrunFunction,
} from '../vm/functions.ts';
import { checkArguments } from './arguments.ts';
import { availability, SILENT_FEATURES, USUAL_FEATURES } from './availability.ts';
import { LibkrunNotAvailable } from './errors.ts';
import type { Libkrun } from './ffi.ts';
import { LoadedLibkrun } from './loaded.ts';
import { deedOf, refuseSecond } from './once.ts';
import type { LibraryVariant } from './packages.ts';
import { StubContext } from './stub-context.ts';
import { isOlder } from './version.ts';

export interface StubOptions {
  /** The libkrun that it acts as; the newest that krun knows when absent. */
  readonly version?: string;
  readonly variant?: LibraryVariant;
  /** What it was built with; what the variant usually is when absent. */
  readonly features?: readonly LibkrunFeature[];
}

const NEWEST = '1.19.3';
const STUB_INIT = new TextEncoder().encode('#!/bin/sh\n');
const MOST_VCPUS = 255;

/** Stands in for libkrun: see {@link stubLibkrun}. */
export class StubLibkrun extends LoadedLibkrun {
  readonly #library: StubLibrary;

  constructor(library: StubLibrary, variant: LibraryVariant, version: string) {
    super({ native: library, variant, version, os: process.platform }, undefined);
    this.#library = library;
  }

  /** Every call so far, refused ones too, as `compile` makes them and `formatCall` prints them. */
  get calls(): readonly Call[] {
    return this.#library.calls;
  }
}

/**
 * A libkrun to develop and test with where there is none. Contexts are numbered, arguments checked and calls answered as
 * libkrun does; each is recorded. `startEnter` throws `LibkrunNotAvailable`. The log may be initialised once per stub.
 */
export function stubLibkrun(options: StubOptions = {}): StubLibkrun {
  const { version = NEWEST, variant = 'generic' } = options;
  const features = options.features ?? USUAL_FEATURES[variant];
  return new StubLibkrun(new StubLibrary(version, variant, new Set(features)), variant, version);
}

/** The functions of a libkrun that is not there. */
class StubLibrary implements Libkrun {
  readonly calls: Call[] = [];
  readonly #version: string;
  readonly #variant: LibraryVariant;
  readonly #features: ReadonlySet<LibkrunFeature>;
  readonly #contexts = new Map<number, StubContext>();
  #created = 0;
  #hasLog = false;

  constructor(version: string, variant: LibraryVariant, features: ReadonlySet<LibkrunFeature>) {
    this.#version = version;
    this.#variant = variant;
    this.#features = features;
  }

  has(name: LibkrunFunction): boolean {
    const { since, variants, feature } = availability[name];
    const isBuilt = feature === undefined || SILENT_FEATURES.includes(feature) || this.#isBuiltWith(feature);
    return isBuilt && variants.includes(this.#variant) && !isOlder(this.#version, since);
  }

  call(name: LibkrunFunction, args: readonly Argument[]): number {
    checkArguments(name, args);
    if (deedOf(name) === 'log') refuseSecond(name, 'log', this.#hasLog);
    const isContext = name === 'krun_create_ctx';
    this.calls.push({ name, args: [...args], ...(isContext ? { result: `ctx${this.#created}` } : {}) });
    return this.#answer(name, args);
  }

  defaultInit(): { readonly result: number; readonly bytes: Uint8Array } {
    this.calls.push({ name: 'krun_get_default_init', args: [] });
    if (!this.#features.has('INIT_BLOB'))
      return { result: -constants.errno.ENOTSUP, bytes: new Uint8Array() };
    return { result: 0, bytes: STUB_INIT };
  }

  async start(context: number): Promise<number> {
    this.calls.push({ name: 'krun_start_enter', args: [context] });
    throw new LibkrunNotAvailable(
      'this is a stub of libkrun, which starts no machine',
      'load the real one with loadLibkrun; `krun doctor --fix` installs it',
    );
  }

  #answer(name: LibkrunFunction, args: readonly Argument[]): number {
    const { ENOENT, EOPNOTSUPP } = constants.errno;
    switch (name) {
      case 'krun_set_log_level':
      case 'krun_init_log':
        this.#hasLog = true;
        return 0;
      case 'krun_create_ctx':
        this.#contexts.set(
          this.#created,
          new StubContext(process.platform, !isOlder(this.#version, '1.18.0')),
        );
        return this.#created++;
      case 'krun_get_max_vcpus':
        return MOST_VCPUS;
      case 'krun_has_feature':
        return this.#hasFeature(Number(args[0]));
      case 'krun_check_nested_virt':
        return process.platform === 'linux' && isOlder(this.#version, '1.18.0') ? -EOPNOTSUPP : 0;
      default: {
        const context = this.#contexts.get(Number(args[0]));
        if (!context) return -ENOENT;
        if (name === 'krun_free_ctx') this.#contexts.delete(Number(args[0]));
        return context.answer(name, args.slice(1));
      }
    }
  }

  #isBuiltWith(feature: BuildFeature): boolean {
    // That guests see file systems of the host is the variant's matter.
    return feature === 'virtiofs' || this.#features.has(feature);
  }

  #hasFeature(number: number): number {
    const feature = (Object.keys(LIBKRUN_FEATURES) as LibkrunFeature[]).find(
      (name) => LIBKRUN_FEATURES[name] === number,
    );
    const isKnown = feature !== undefined && !(feature === 'INIT_BLOB' && isOlder(this.#version, '1.19.0'));
    if (!isKnown) return -constants.errno.EINVAL;
    return this.#features.has(feature) ? 1 : 0;
  }
}

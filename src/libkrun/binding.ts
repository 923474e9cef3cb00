import type { Argument } from '../vm/calls.ts';
import type { BuildFeature, LibkrunFeature, LibkrunFunction } from '../vm/functions.ts';
import { availability, FUNCTION_NAMES, SILENT_FEATURES } from './availability.ts';
import { krunError } from './errno.ts';
import { KrunError, NotSupportedByVariant, NotSupportedByVersion } from './errors.ts';
import { hasFeature } from './features.ts';
import type { Libkrun } from './ffi.ts';
import { libraryBaseName, type LibraryVariant } from './packages.ts';
import { isOlder } from './version.ts';

/** The functions of one library, real or a stub, with what is known about it. */
export interface LibrarySide {
  readonly native: Libkrun;
  readonly variant: LibraryVariant;
  /** Undefined where the library's file name does not tell. */
  readonly version: string | undefined;
  /** Node's name of the operating system, whose error numbers libkrun returns. */
  readonly os: string;
}

/** Calls libkrun; what the library lacks or refuses becomes one of this module's errors. */
export class Binding {
  readonly side: LibrarySide;
  readonly #features = new Map<LibkrunFeature, boolean | undefined>();

  constructor(side: LibrarySide) {
    this.side = side;
  }

  /** The result, 0 or above. */
  call(name: LibkrunFunction, args: readonly Argument[]): number {
    this.refuseMissing(name);
    return this.checked(name, this.side.native.call(name, args));
  }

  /** Throws {@link KrunError} for a negative result. */
  checked(name: LibkrunFunction, result: number): number {
    if (result < 0) throw new KrunError(krunError(name, result, this.side.os));
    return result;
  }

  supports(name: LibkrunFunction): boolean {
    return this.#problem(name) === undefined;
  }

  /** Throws for a function that this library does not have, or has without doing anything. */
  refuseMissing(name: LibkrunFunction): void {
    const problem = this.#problem(name);
    if (problem) throw problem;
  }

  /** Whether the library was built with a part; undefined for a library that cannot tell (before 1.17.3). */
  hasFeature(feature: LibkrunFeature): boolean | undefined {
    if (!this.#features.has(feature)) this.#features.set(feature, hasFeature(this.side.native, feature));
    return this.#features.get(feature);
  }

  #problem(name: LibkrunFunction): NotSupportedByVariant | NotSupportedByVersion | undefined {
    const { variants, feature, since } = availability[name];
    const { native, variant, version } = this.side;
    if (!variants.includes(variant)) return this.#otherVariant(name);
    if (native.has(name)) {
      const isIdle =
        feature && SILENT_FEATURES.includes(feature) && this.hasFeature(feature as LibkrunFeature) === false;
      return isIdle ? this.#withoutPart(name, feature) : undefined;
    }
    if (feature && !this.#hasAnyOf(feature) && !(version !== undefined && isOlder(version, since)))
      return this.#withoutPart(name, feature);
    if (version !== undefined && !isOlder(version, since)) return this.#withoutPart(name, undefined);
    return new NotSupportedByVersion(name, since, version);
  }

  #hasAnyOf(feature: BuildFeature): boolean {
    return FUNCTION_NAMES.some(
      (other) => availability[other].feature === feature && this.side.native.has(other),
    );
  }

  #otherVariant(name: LibkrunFunction): NotSupportedByVariant {
    const { variant } = this.side;
    const { variants } = availability[name];
    const others = variants.map((other) => libraryBaseName('libkrun', other)).join(', ');
    const own = libraryBaseName('libkrun', variant);
    return new NotSupportedByVariant(
      { call: name, variant },
      `${own} has no such function`,
      `load another variant (${others}), or leave the call out`,
    );
  }

  #withoutPart(name: LibkrunFunction, feature: BuildFeature | undefined): NotSupportedByVariant {
    const { variant } = this.side;
    const built = feature === undefined ? 'it' : `${feature}=1`;
    return new NotSupportedByVariant(
      { call: name, variant, feature },
      `this libkrun was built without ${feature ?? 'the function'}`,
      `use a libkrun that was built with ${built}; \`krun doctor\` shows which one is used`,
    );
  }
}

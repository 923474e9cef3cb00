import type { BuildFeature, LibkrunFunction } from '../vm/functions.ts';
import type { KrunFailure } from './errno.ts';
import type { LibraryVariant } from './packages.ts';

/** What all errors of `krun/libkrun` have in common. */
export abstract class LibkrunError extends Error {
  /** What to do about it. */
  readonly hint: string;

  constructor(message: string, hint: string, options?: ErrorOptions) {
    super(message, options);
    this.hint = hint;
  }
}

/** There is no libkrun, or none that can be opened; the message lists every place that was looked at. */
export class LibkrunNotAvailable extends LibkrunError {
  override readonly name = 'LibkrunNotAvailable';
}

/** The library is another build of libkrun: another variant, or one without a part. */
export class NotSupportedByVariant extends LibkrunError {
  override readonly name = 'NotSupportedByVariant';
  readonly call: LibkrunFunction;
  readonly variant: LibraryVariant;
  /** The part that the library was built without; absent where no library of the variant can have it. */
  readonly feature?: BuildFeature;

  constructor(
    at: {
      readonly call: LibkrunFunction;
      readonly variant: LibraryVariant;
      readonly feature?: BuildFeature | undefined;
    },
    message: string,
    hint: string,
  ) {
    super(`${at.call}: ${message}`, hint);
    this.call = at.call;
    this.variant = at.variant;
    if (at.feature !== undefined) this.feature = at.feature;
  }
}

/** The library is older than the function. */
export class NotSupportedByVersion extends LibkrunError {
  override readonly name = 'NotSupportedByVersion';
  readonly call: LibkrunFunction;
  /** The first release that has it. */
  readonly since: string;
  /** Of the library, where its file name tells. */
  readonly version?: string;

  constructor(call: LibkrunFunction, since: string, version: string | undefined) {
    const which = version === undefined ? 'this libkrun is older' : `this is libkrun ${version}`;
    super(`${call} exists since libkrun ${since}, and ${which}`, `use libkrun ${since} or newer`);
    this.call = call;
    this.since = since;
    if (version !== undefined) this.version = version;
  }
}

/** libkrun refused a call. */
export class KrunError extends LibkrunError {
  override readonly name = 'KrunError';
  readonly call: LibkrunFunction;
  /** Name of the error, such as `EINVAL`. */
  readonly errno: string;
  /** Its number on this system, positive. */
  readonly number: number;
  /** What it means in that call. */
  readonly meaning: string;

  constructor(failure: KrunFailure) {
    super(`${failure.meaning} (${failure.call}: ${failure.errno})`, failure.hint);
    this.call = failure.call;
    this.errno = failure.errno;
    this.number = failure.number;
    this.meaning = failure.meaning;
  }
}

/** A value that libkrun would answer with a crash, or would take for something else; nothing was called. */
export class ArgumentError extends LibkrunError {
  override readonly name = 'ArgumentError';
  readonly call: LibkrunFunction;
  /** Name of the option or parameter, where it is one. */
  readonly parameter?: string;

  constructor(
    at: { readonly call: LibkrunFunction; readonly parameter?: string },
    problem: string,
    hint?: string,
  ) {
    const subject = at.parameter === undefined ? at.call : `${at.call}: ${at.parameter}`;
    super(`${subject} ${problem}`, hint ?? 'correct the argument; libkrun was not called');
    this.call = at.call;
    if (at.parameter !== undefined) this.parameter = at.parameter;
  }
}

/** Something that a process can do once was asked for again; libkrun would abort the process. */
export class OncePerProcess extends LibkrunError {
  override readonly name = 'OncePerProcess';
  readonly call: LibkrunFunction;

  constructor(call: LibkrunFunction, message: string, hint: string) {
    super(`${call}: ${message}`, hint);
    this.call = call;
  }
}

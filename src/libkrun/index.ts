/**
 * `krun/libkrun`: every function of libkrun 1.x as a typed method. {@link loadLibkrun} loads the library,
 * {@link stubLibkrun} stands in for it; docs/libkrun-functions.md lists what exists where.
 */
export { loadLibkrun, type LoadOptions } from './load.ts';
export { stubLibkrun, type StubLibkrun, type StubOptions } from './stub.ts';
export type { LoadedLibkrun, LogLevel, LogOptions, LogStyle } from './loaded.ts';
export type { Context } from './context.ts';
export type { NativeStructure } from './options.ts';
export type * from './context-storage.ts';
export type * from './context-network.ts';
export type * from './context-console.ts';
export type * from './context-process.ts';
export type * from './context-devices.ts';
export { ROOT_TAG } from '../vm/constants.ts';
export { NET_COMPAT_FEATURES } from '../vm/constants.ts';
export { availability, VARIANTS, type FunctionAvailability } from './availability.ts';
export type { LibraryVariant } from './packages.ts';
export type { BuildFeature, LibkrunFeature, LibkrunFunction } from '../vm/functions.ts';
export { formatCall, type Argument, type Call, type CallArgument, type Fd } from '../vm/calls.ts';
export {
  ArgumentError,
  KrunError,
  LibkrunError,
  LibkrunNotAvailable,
  NotSupportedByVariant,
  NotSupportedByVersion,
  OncePerProcess,
} from './errors.ts';

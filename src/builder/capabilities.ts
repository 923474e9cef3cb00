import { functionsOf } from '../libkrun/ffi.ts';
import { hasFeature } from '../libkrun/features.ts';
import { sideOf, type LoadedLibkrun } from '../libkrun/loaded.ts';
import type { Capabilities } from '../vm/call-list.ts';
import { LIBKRUN_FUNCTIONS, type LibkrunFunction } from '../vm/functions.ts';

/** What a loaded library, or a stub, can do on this host. */
export function capabilitiesOf(library: LoadedLibkrun): Capabilities {
  const { native, os } = sideOf(library);
  return {
    functions: functionsOf(native),
    arch: process.arch,
    os,
    hasFeature: (feature) => hasFeature(native, feature),
  };
}

/** The newest libkrun 1.x that krun knows, built with everything, on a host of the given kind; this one when not said. */
export function newestLibkrun(
  host: { readonly arch: string; readonly platform: string } = process,
): Capabilities {
  const names = Object.keys(LIBKRUN_FUNCTIONS) as LibkrunFunction[];
  return { functions: new Set(names), arch: host.arch, os: host.platform };
}

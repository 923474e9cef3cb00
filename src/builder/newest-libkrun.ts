import type { Capabilities } from '../vm/call-list.ts';
import { LIBKRUN_FUNCTIONS, type LibkrunFunction } from '../vm/functions.ts';

/** The newest generic libkrun 1.x that krun knows, built with everything, on a host of the given kind. */
export function newestLibkrun({
  arch,
  platform,
}: {
  readonly arch: string;
  readonly platform: string;
}): Capabilities {
  const names = Object.keys(LIBKRUN_FUNCTIONS) as LibkrunFunction[];
  return { functions: new Set(names), arch, os: platform };
}

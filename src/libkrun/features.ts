import { LIBKRUN_FEATURES, type LibkrunFeature } from '../vm/functions.ts';
import type { Libkrun } from './ffi.ts';

/** Whether a library was built with a part; undefined before libkrun 1.17.3, which cannot tell. */
export function hasFeature(library: Libkrun, feature: LibkrunFeature): boolean | undefined {
  if (!library.has('krun_has_feature')) return undefined;
  // A library that is older than the feature answers EINVAL.
  return library.call('krun_has_feature', [LIBKRUN_FEATURES[feature]]) === 1;
}

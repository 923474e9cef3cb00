import { createRequire } from 'node:module';
import type * as KoffiModule from 'koffi';

type Koffi = typeof KoffiModule;

let loaded: Koffi | undefined;

/** koffi, loaded at the first use: most commands call no native code, and an addon costs start-up time. */
export function koffi(): Koffi {
  loaded ??= createRequire(import.meta.url)('koffi') as Koffi;
  return loaded;
}

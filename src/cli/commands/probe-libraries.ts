import { type Context, print } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { LIBKRUN_FUNCTIONS, type LibkrunFunction } from '../../vm/functions.ts';
import type { LibraryProbe } from '../doctor/libraries.ts';

export interface ProbeArgs {
  readonly libkrun: string;
  readonly libkrunfw?: string;
}

/** Feature numbers of libkrun.h, by name. */
const FEATURES = {
  net: 0,
  blk: 1,
  gpu: 2,
  snd: 3,
  input: 4,
  efi: 5,
  tee: 6,
  'amd-sev': 7,
  'intel-tdx': 8,
  'aws-nitro': 9,
  'virgl-resource-map2': 10,
  'init-blob': 11,
} as const;

/**
 * Loads the libraries and asks what they can do. `doctor` runs it as a process of its own: a library that does not fit
 * may end the process that loads it.
 */
export async function run(context: Context, args: ProbeArgs): Promise<ExitCode> {
  const { default: koffi } = await import('koffi');
  let result: LibraryProbe;
  try {
    // libkrun opens the kernel bundle by its bare name; one that is loaded already is found under that name.
    if (args.libkrunfw !== undefined) koffi.load(args.libkrunfw);
    const library = koffi.load(args.libkrun);
    const call = (prototype: string): ((...values: number[]) => number) | undefined => {
      try {
        return library.func(prototype);
      } catch (error) {
        if (!isMissingSymbol(error)) throw error;
        return undefined;
      }
    };
    const has = (name: string): boolean => {
      try {
        return Boolean(library.symbol(name));
      } catch (error) {
        if (!isMissingSymbol(error)) throw error;
        return false;
      }
    };
    const hasFeature = call('int32_t krun_has_feature(uint64_t feature)');
    const features = Object.entries(FEATURES).filter(([, number]) => hasFeature?.(number) === 1);
    result = {
      loaded: true,
      features: hasFeature ? features.map(([name]) => name) : undefined,
      maxCpus: positive(call('int32_t krun_get_max_vcpus()')?.()),
      functions: (Object.keys(LIBKRUN_FUNCTIONS) as LibkrunFunction[]).filter(has),
    };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    result = { loaded: false, reason: error.message };
  }
  print(context, JSON.stringify(result));
  return EXIT.ok;
}

function isMissingSymbol(error: unknown): boolean {
  return error instanceof Error && /Cannot find/.test(error.message);
}

function positive(value: number | undefined): number | undefined {
  return value !== undefined && value > 0 ? value : undefined;
}

import path from 'node:path';
import { nodeLibraryFiles } from '../host/library-files.ts';
import { LibkrunNotAvailable } from './errors.ts';
import { hasFeature } from './features.ts';
import { LibraryError, openLibkrun, type Libkrun } from './ffi.ts';
import { findLibraries, type LibraryEnvironment } from './library.ts';
import { LoadedLibkrun } from './loaded.ts';
import { libraryBaseName, variantInName, type LibraryVariant } from './packages.ts';

export interface LoadOptions {
  /** When absent, what the library's file name says; `generic` where none is named. */
  readonly variant?: LibraryVariant;
  /** The library's file. Looked for when absent: `KRUN_LIBKRUN`, the system's, npm packages, what krun installed. */
  readonly library?: string;
  /** The guest kernel's library; looked for when absent: `KRUN_LIBKRUNFW`, beside the library, then as above. */
  readonly libkrunfw?: string;
  /** In place of this process's environment, where libraries are looked for. */
  readonly environment?: LibraryEnvironment;
}

/**
 * Loads a libkrun into this process. Throws `LibkrunNotAvailable` where there is none, it cannot be loaded, or a named
 * library is another variant. Loading starts nothing, and the same library may be loaded many times.
 */
export function loadLibkrun(options: LoadOptions = {}): LoadedLibkrun {
  const { variant, library, libkrunfw, environment = process.env } = options;
  const named = path.basename(library ?? environment.KRUN_LIBKRUN ?? '');
  const found = findLibraries(
    {
      variant: variant ?? variantInName(named),
      ...(library === undefined ? {} : { library: path.resolve(library) }),
      ...(libkrunfw === undefined ? {} : { kernelBundle: path.resolve(libkrunfw) }),
    },
    environment,
    { os: process.platform, arch: process.arch },
    nodeLibraryFiles(),
  );
  if (!found.ok) {
    const [problem] = found.error;
    throw new LibkrunNotAvailable(problem?.message ?? 'libkrun was not found', problem?.hint ?? '');
  }
  const { libkrun } = found.value;
  const kernel = found.value.libkrunfw?.path;
  const native = open(libkrun.path, kernel);
  const actual = variantOf(native, libkrun.path);
  refuseOther(libkrun.path, actual, variant);
  return new LoadedLibkrun(
    { native, variant: actual, version: libkrun.version, os: process.platform },
    libkrun.path,
  );
}

function open(libkrun: string, libkrunfw: string | undefined): Libkrun {
  try {
    return openLibkrun({ libkrun, ...(libkrunfw === undefined ? {} : { libkrunfw }) });
  } catch (error) {
    if (!(error instanceof LibraryError)) throw error;
    throw new LibkrunNotAvailable(error.message, error.hint, { cause: error });
  }
}

/** What the library says it is, or, where it is too old to say so, its name. */
function variantOf(native: Libkrun, file: string): LibraryVariant {
  const named = variantInName(path.basename(file));
  if (native.has('krun_set_tee_config_file'))
    return hasFeature(native, 'INTEL_TDX') || named === 'tdx' ? 'tdx' : 'sev';
  return hasFeature(native, 'EFI') || named === 'efi' ? 'efi' : 'generic';
}

function refuseOther(file: string, actual: LibraryVariant, asked: LibraryVariant | undefined): void {
  if (asked === undefined || asked === actual) return;
  throw new LibkrunNotAvailable(
    `${file} is the ${actual} variant of libkrun, and ${asked} was asked for`,
    `name a ${libraryBaseName('libkrun', asked)}, or ask for ${actual}`,
  );
}

import type { Diagnostic } from '../base/diagnostic.ts';
import { nodeLibraryFiles } from '../host/library-files.ts';
import { KrunError, LibkrunNotAvailable, OncePerProcess } from '../libkrun/errors.ts';
import { execute, type Descriptors } from '../libkrun/execute.ts';
import { functionsOf, LibraryError, openLibkrun, type Libkrun } from '../libkrun/ffi.ts';
import { findLibraries } from '../libkrun/library.ts';
import type { Call } from '../vm/calls.ts';
import type { BuiltVm } from './built-vm.ts';
import { BuilderError, mistake } from './error.ts';
import { missingFiles } from './missing-files.ts';

/** What a start needs beside the machine. */
export interface EnterOptions {
  /** An opened library; krun looks for libkrun and libkrunfw where `krun doctor` says when not given. */
  readonly library?: Libkrun;
  /** Open files for what the machine names by `{ descriptor: NAME }`. */
  readonly descriptors?: Descriptors;
  /** Called when everything is ready and the machine is about to run: the last that this process does by itself. */
  readonly beforeStart?: () => void;
}

/**
 * Turns this process into the machine. Throws {@link BuilderError} for files that are not there or a library that cannot
 * do it, `LibkrunNotAvailable` without a library, `KrunError` for what libkrun refuses.
 */
export async function enter(built: BuiltVm, options: EnterOptions): Promise<never> {
  const { descriptors = {}, beforeStart = () => {} } = options;
  const missing = missingFiles(built.vm);
  if (missing.length > 0) throw new BuilderError(missing);
  const library = libraryFor(built, options);
  const capabilities = {
    functions: functionsOf(library),
    arch: process.arch,
    os: process.platform,
  };
  const calls = built.calls(capabilities);
  const unnamed = missingDescriptors(calls, descriptors);
  if (unnamed.length > 0) throw new BuilderError(unnamed);
  throw new KrunError(await execute(calls, keepingLog(library), descriptors, beforeStart));
}

/** The caller may have a log already: then that one holds, and the machine starts all the same. */
function keepingLog(library: Libkrun): Libkrun {
  return {
    ...library,
    call(name, args) {
      try {
        return library.call(name, args);
      } catch (error) {
        if (name === 'krun_init_log' && error instanceof OncePerProcess) return 0;
        throw error;
      }
    },
  };
}

function missingDescriptors(calls: readonly Call[], descriptors: Descriptors): readonly Diagnostic[] {
  const named = calls.flatMap(({ args }) =>
    args.flatMap((argument) =>
      typeof argument === 'object' && argument !== null && 'descriptor' in argument
        ? [argument.descriptor]
        : [],
    ),
  );
  return [...new Set(named)]
    .filter((name) => descriptors[name] === undefined)
    .map((name) => mistake('enter', `no open file is given for <${name}>`, 'name it in `descriptors`'));
}

function libraryFor({ krunfwPath }: BuiltVm, { library }: EnterOptions): Libkrun {
  if (library === undefined) return findLibrary(krunfwPath);
  if (krunfwPath === undefined) return library;
  const message = 'the library is open, and a guest kernel that is named now comes too late';
  throw new BuilderError([mistake('kernel.krunfwPath', message, 'open the library with that libkrunfw')]);
}

function findLibrary(kernelBundle: string | undefined): Libkrun {
  const platform = { os: process.platform, arch: process.arch };
  const settings = kernelBundle === undefined ? {} : { kernelBundle };
  const found = findLibraries(settings, process.env, platform, nodeLibraryFiles());
  if (!found.ok) {
    const [first] = found.error;
    throw new LibkrunNotAvailable(first?.message ?? 'libkrun was not found', first?.hint ?? '');
  }
  const { libkrun, libkrunfw } = found.value;
  try {
    return openLibkrun({ libkrun: libkrun.path, ...(libkrunfw ? { libkrunfw: libkrunfw.path } : {}) });
  } catch (error) {
    if (!(error instanceof LibraryError)) throw error;
    throw new LibkrunNotAvailable(error.message, error.hint, { cause: error });
  }
}

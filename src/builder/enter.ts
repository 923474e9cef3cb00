import type { Diagnostic } from '../base/diagnostic.ts';
import { KrunError, OncePerProcess } from '../libkrun/errors.ts';
import { execute, type Descriptors } from '../libkrun/execute.ts';
import type { Libkrun } from '../libkrun/ffi.ts';
import { loadLibkrun } from '../libkrun/load.ts';
import { sideOf, type LoadedLibkrun } from '../libkrun/loaded.ts';
import type { BuiltVm } from './built-vm.ts';
import { capabilitiesOf } from './capabilities.ts';
import { descriptorProblems } from './descriptor-problems.ts';
import { BuilderError, mistake } from './error.ts';
import { missingFiles } from './missing-files.ts';
import { connectBackends } from './net-backends.ts';

/** What a start needs beside the machine. */
export interface EnterOptions {
  /** What `loadLibkrun` of krun/libkrun gave, or `stubLibkrun`; `loadLibkrun()` when absent. */
  readonly library?: LoadedLibkrun;
  /** Open files for what the machine names by `{ descriptor: NAME }`. */
  readonly descriptors?: Descriptors;
  /** Called when everything is told and the machine is about to run: the last that this process does by itself. */
  readonly beforeStart?: () => void;
}

/**
 * Turns this process into the machine. Throws {@link BuilderError} for files or network backends that are not there or a
 * library that cannot do it, `LibkrunNotAvailable` without a library, `KrunError` for what libkrun refuses.
 */
export async function enter(built: BuiltVm, options: EnterOptions): Promise<never> {
  const { descriptors = {}, beforeStart = () => {} } = options;
  refuse(missingFiles(built.vm));
  const library = libraryFor(built, options);
  const calls = built.calls(capabilitiesOf(library));
  refuse(descriptorProblems(calls, descriptors));
  const native = keepingLog(sideOf(library).native);
  throw new KrunError(await execute(connectBackends(calls), native, descriptors, beforeStart));
}

function refuse(problems: readonly Diagnostic[]): void {
  if (problems.length > 0) throw new BuilderError(problems);
}

function libraryFor({ krunfwPath }: BuiltVm, { library }: EnterOptions): LoadedLibkrun {
  if (library === undefined) return loadLibkrun(krunfwPath === undefined ? {} : { libkrunfw: krunfwPath });
  if (krunfwPath === undefined) return library;
  const message = 'the library is loaded already, and takes its guest kernel from elsewhere';
  throw new BuilderError([
    mistake('kernel.krunfwPath', message, 'name it to loadLibkrun() as `libkrunfw`, and not here'),
  ]);
}

/** The caller may have a log already: then that one holds, and the machine starts all the same. */
function keepingLog(library: Libkrun): Libkrun {
  return {
    has: (name) => library.has(name),
    defaultInit: () => library.defaultInit(),
    start: (context) => library.start(context),
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

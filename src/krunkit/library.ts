import { errorDiagnostic, type Diagnostic } from '../base/diagnostic.ts';
import { err, ok, type Result } from '../base/result.ts';
import { nodeLibraryFiles } from '../host/library-files.ts';
import { LibraryError, openLibkrun, type Libkrun } from '../libkrun/ffi.ts';
import { findLibraries, type LibraryEnvironment } from '../libkrun/library.ts';

/** Finds and opens libkrun and libkrunfw, without any krun.yaml. */
export function openLibrary(environment: LibraryEnvironment): Result<Libkrun, readonly Diagnostic[]> {
  const platform = { os: process.platform, arch: process.arch };
  const found = findLibraries({}, environment, platform, nodeLibraryFiles());
  if (!found.ok) return found;
  const { libkrun, libkrunfw } = found.value;
  try {
    return ok(openLibkrun({ libkrun: libkrun.path, ...(libkrunfw && { libkrunfw: libkrunfw.path }) }));
  } catch (error) {
    if (!(error instanceof LibraryError)) throw error;
    return err([errorDiagnostic('environment', error.message, { hint: error.hint })]);
  }
}

/** Whether guests of this host can have virtual machines of their own; asked only where somebody wants it. */
export function canNest(library: Libkrun): boolean {
  return library.has('krun_check_nested_virt') && library.call('krun_check_nested_virt', []) === 1;
}

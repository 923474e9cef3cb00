import { nodeLibraryFiles } from '../../host/library-files.ts';
import { findLibraries, type FoundLibrary, installHint } from '../../libkrun/library.ts';
import type { LibkrunFunction } from '../../vm/functions.ts';
import type { Check, DoctorHost } from './check.ts';
import { firstLine, runProgram } from '../../host/run-program.ts';

/** What `krun probe-libraries` prints. */
export type LibraryProbe =
  | {
      readonly loaded: true;
      /** Absent where the library is too old to tell. */
      readonly features: readonly string[] | undefined;
      readonly maxCpus: number | undefined;
      /** Functions of libkrun's interface that the library has. */
      readonly functions: readonly LibkrunFunction[];
    }
  | { readonly loaded: false; readonly reason: string };

/** Explicit library paths of a project's krun.yaml. */
export interface LibrarySettings {
  readonly library?: string;
  readonly kernelBundle?: string;
}

/** libkrun and its kernel bundle: where, which version, and what they can do. */
export async function checkLibraries(
  host: DoctorHost,
  self: readonly string[],
  settings: LibrarySettings,
): Promise<readonly Check[]> {
  const platform = { os: host.platform, arch: host.arch };
  const found = findLibraries(settings, host.env, platform, nodeLibraryFiles());
  if (!found.ok) {
    return found.error.map(({ message, hint }) => ({
      id: message.startsWith('libkrunfw') ? 'libkrunfw' : 'libkrun',
      status: 'failed' as const,
      detail: message,
      ...(hint !== undefined && { hint }),
    }));
  }
  const { libkrun, libkrunfw } = found.value;
  const bundle: Check =
    libkrunfw === undefined
      ? {
          id: 'libkrunfw',
          status: 'failed',
          detail: 'the kernel bundle was not found',
          hint: installHint('libkrunfw', platform),
        }
      : { id: 'libkrunfw', status: 'ok', detail: describe(libkrunfw) };
  const probe = await probeLibraries(self, libkrun.path, libkrunfw?.path);
  return [libraryCheck(libkrun, probe), bundle];
}

/** What the libraries can do, asked in a process of its own: one that does not fit may end the process that loads it. */
export async function probeLibraries(
  self: readonly string[],
  libkrun: string,
  libkrunfw: string | undefined,
): Promise<LibraryProbe> {
  const [program = process.execPath, ...first] = self;
  const args = [...first, 'probe-libraries', libkrun, ...(libkrunfw === undefined ? [] : [libkrunfw])];
  const result = await runProgram(program, args);
  if (result.kind === 'ended' && result.code === 0) return JSON.parse(result.stdout) as LibraryProbe;
  const reason =
    result.kind === 'ended'
      ? firstLine(result.stderr)
      : result.kind === 'killed'
        ? `loading it ended the process with ${result.signal}`
        : result.code;
  return { loaded: false, reason };
}

function libraryCheck(library: FoundLibrary, probe: LibraryProbe): Check {
  if (!probe.loaded) {
    return {
      id: 'libkrun',
      status: 'failed',
      detail: `${describe(library)} cannot be loaded: ${firstLine(probe.reason)}`,
      hint: 'Install the libraries that it needs (Linux: libcap-ng), or another build of libkrun',
    };
  }
  const features =
    probe.features === undefined
      ? 'features unknown, older than 1.17.3'
      : `features ${probe.features.join(' ')}`;
  if (probe.features !== undefined && !probe.features.includes('blk')) {
    const detail = `${describe(library)}, ${features}; without blk there are no disks`;
    return { id: 'libkrun', status: 'warning', detail };
  }
  const cpus = probe.maxCpus === undefined ? '' : `, at most ${probe.maxCpus} cpus`;
  return { id: 'libkrun', status: 'ok', detail: `${describe(library)}, ${features}${cpus}` };
}

function describe(library: FoundLibrary): string {
  return `${library.path} (${library.version ?? 'version unknown'}, ${library.origin})`;
}

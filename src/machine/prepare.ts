import { mkdirSync, openSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Diagnostic } from '../base/diagnostic.ts';
import { makePipe } from '../host/libc.ts';
import { bootstrapScript } from './bootstrap.ts';
import type { Call } from './calls.ts';
import { calls } from './configure.ts';
import { lockDisks } from './disk-locks.ts';
import type { Descriptors } from './execute.ts';
import { StartFailure, type MachineFailure } from './failure.ts';
import { functionsOf, LibraryError, openLibkrun, type Libkrun } from './ffi.ts';
import { lockPorts } from './port-locks.ts';
import { checkRoot, checkShares } from './root-check.ts';
import type { GuestSpec, MachineSpec } from './spec.ts';

/** A machine that only has to be started. */
export interface PreparedMachine {
  readonly library: Libkrun;
  readonly calls: readonly Call[];
  readonly descriptors: Descriptors;
  /** Where lines for the guest's control port are written; undefined for guests without the script. */
  readonly controlFd?: number;
}

/** Checks and opens all that the machine needs; throws {@link StartFailure}. */
export function prepare(spec: MachineSpec): PreparedMachine {
  const needsShell = spec.guest.kind === 'bootstrap';
  if (spec.root.kind === 'directory') refuse(checkRoot(spec.root.path, needsShell, process.arch));
  refuse(checkShares(spec.shares));
  refuse(lockDisks(spec.disks));
  refuse(lockPorts(spec));
  useOwnTemporaryDirectory(spec);
  const library = open(spec);
  const planned = calls(spec, {
    functions: functionsOf(library),
    arch: process.arch,
    os: process.platform,
  });
  if (!planned.ok) throw new StartFailure(failureOf(planned.error));
  return { library, calls: planned.value, ...openDescriptors(spec) };
}

function refuse(failure: MachineFailure | undefined): void {
  if (failure) throw new StartFailure(failure);
}

/** libkrun up to 1.18 leaves the empty directory behind that a block root is mounted over. */
function useOwnTemporaryDirectory(spec: MachineSpec): void {
  if (spec.root.kind !== 'disk') return;
  const directory = path.join(path.dirname(spec.identityFile), 'tmp');
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { mode: 0o700 });
  process.env['TMPDIR'] = directory;
}

function open(spec: MachineSpec): Libkrun {
  try {
    return openLibkrun(spec.library);
  } catch (error) {
    if (!(error instanceof LibraryError)) throw error;
    const { message, hint } = error;
    throw new StartFailure({ code: 'environment', message, hint });
  }
}

function failureOf(diagnostics: readonly Diagnostic[]): MachineFailure {
  const [first] = diagnostics;
  const message = diagnostics.map((diagnostic) => diagnostic.message).join('; ');
  return {
    code: first?.code ?? 'capability',
    message,
    ...(first?.hint === undefined ? {} : { hint: first.hint }),
  };
}

function openDescriptors(spec: MachineSpec): Pick<PreparedMachine, 'descriptors' | 'controlFd'> {
  const append = (file: string): number => openSync(file, 'a', 0o600);
  const { files, guest } = spec;
  const output = { log: append(files.console), stdout: append(files.stdout), stderr: append(files.stderr) };
  if (guest.kind === 'direct') return { descriptors: output };
  const control = makePipe();
  return {
    descriptors: {
      ...output,
      script: openScript(spec, guest),
      control: control.read,
      status: append(files.status),
    },
    controlFd: control.write,
  };
}

/** A file without a name: the environment in it is nobody else's, and nothing has to be removed. */
function openScript(spec: MachineSpec, guest: Extract<GuestSpec, { readonly kind: 'bootstrap' }>): number {
  const file = path.join(path.dirname(spec.identityFile), `script-${process.pid}`);
  writeFileSync(file, bootstrapScript(guest, spec.shares), { mode: 0o600 });
  const fd = openSync(file, 'r');
  unlinkSync(file);
  return fd;
}

import { mkdirSync, openSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Diagnostic } from '../base/diagnostic.ts';
import { checkBoot } from './boot-check.ts';
import { bootstrapScript } from './bootstrap.ts';
import type { Call } from '../vm/calls.ts';
import { calls } from './configure.ts';
import { openConsole, type ConsoleEnds } from './console-ends.ts';
import type { BootstrapGuest } from './console-ports.ts';
import { lockDisks } from './disk-locks.ts';
import type { Descriptors } from '../libkrun/execute.ts';
import { StartFailure, type MachineFailure } from './failure.ts';
import { checkHostUser } from './host-user.ts';
import { hasFeature } from '../libkrun/features.ts';
import { functionsOf, LibraryError, openLibkrun, type Libkrun } from '../libkrun/ffi.ts';
import { lockPorts } from './port-locks.ts';
import { checkRoot, checkShares } from './root-check.ts';
import type { GuestFile, MachineSpec } from './spec.ts';

/** A machine that only has to be started. */
export interface PreparedMachine {
  readonly library: Libkrun;
  readonly calls: readonly Call[];
  readonly descriptors: Descriptors;
  /** The host's ends of the guest's ports; undefined for guests without the agent. */
  readonly ends?: ConsoleEnds;
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
  refuse(checkHostUser(spec, library));
  refuse(checkBoot(spec, library));
  const planned = calls(spec, {
    functions: functionsOf(library),
    arch: process.arch,
    os: process.platform,
    hasFeature: (feature) => hasFeature(library, feature),
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

function openDescriptors(spec: MachineSpec): Pick<PreparedMachine, 'descriptors' | 'ends'> {
  const append = (file: string): number => openSync(file, 'a', 0o600);
  const { files, guest } = spec;
  const output = { log: append(files.console), stdout: append(files.stdout), stderr: append(files.stderr) };
  if (guest.kind !== 'bootstrap') return { descriptors: output };
  // Loads a module that other machines do without.
  const ttyMark = guest.tty ? globalThis.crypto.randomUUID() : '';
  const { ends, descriptors } = openConsole(guest, {
    script: openScript(spec, guest, ttyMark),
    statusFile: files.status,
    ttyMark,
  });
  return { descriptors: { ...output, ...descriptors }, ends };
}

/** A file without a name: the environment in it is nobody else's, and nothing has to be removed. */
function openScript(spec: MachineSpec, guest: BootstrapGuest, ttyMark: string): number {
  const file = path.join(path.dirname(spec.identityFile), `script-${process.pid}`);
  const more = { files: takeGuestFiles(spec), ttyMark };
  writeFileSync(file, bootstrapScript(guest, spec.shares, more), { mode: 0o600 });
  const fd = openSync(file, 'r');
  unlinkSync(file);
  return fd;
}

/** What is secret lies in a file only until it is read. */
function takeGuestFiles({ guestFiles }: MachineSpec): readonly GuestFile[] {
  if (guestFiles === undefined) return [];
  const files = JSON.parse(readFileSync(guestFiles, 'utf8')) as readonly GuestFile[];
  unlinkSync(guestFiles);
  return files;
}

import { errorDiagnostic, type Diagnostic } from '../base/diagnostic.ts';
import { err, type Result } from '../base/result.ts';
import type { LogLevel } from '../project/project.ts';
import type { Capabilities } from '../vm/call-list.ts';
import type { Call, Fd } from '../vm/calls.ts';
import { compile } from '../vm/compile.ts';
import type { Vm, VmConsole, VmConsolePort, VmExec, VmInterface, VmNetwork } from '../vm/vm.ts';
import { LOADER } from './bootstrap.ts';
import { consolePorts, type ConsolePort } from './console-ports.ts';
import { linkName } from './link-name.ts';
import type { GuestSpec, MachineSpec, SpecInterface, SpecNetwork } from './spec.ts';

const LOG_LEVELS: Readonly<Record<LogLevel, number>> = {
  // The guest kernel's messages reach the log at this level; without them a panic looks like success.
  off: 1,
  error: 1,
  warn: 2,
  info: 3,
  debug: 4,
  trace: 5,
};

/** The calls that make a machine, or every reason why this library cannot run it. */
export function calls(
  spec: MachineSpec,
  capabilities: Capabilities,
): Result<readonly Call[], readonly Diagnostic[]> {
  const compiled = compile(vmOf(spec), capabilities);
  const problems = spec.guest.kind === 'bootstrap' ? nulBytes(spec.guest) : [];
  if (problems.length === 0) return compiled;
  return err([...problems, ...(compiled.ok ? [] : compiled.error)]);
}

/** A machine of a project as a plain virtual machine. */
export function vmOf(spec: MachineSpec): Vm {
  return {
    log: { target: fd('log'), level: LOG_LEVELS[spec.logLevel], ignoreEnvironment: true },
    vcpus: spec.cpus,
    memoryMiB: spec.memoryMiB,
    ...(spec.root.kind === 'none' ? {} : { root: spec.root }),
    disks: spec.disks,
    shares: spec.shares,
    rlimits: spec.rlimits,
    network: networkOf(spec.network),
    consoles: { kind: 'explicit', consoles: consolesOf(spec) },
    ...execOf(spec.guest),
  };
}

function fd(descriptor: string): Fd {
  return { descriptor };
}

function networkOf({ tsi, interfaces }: SpecNetwork): VmNetwork {
  const hijack = [...new Set(tsi?.hijack)];
  // What libkrun does by itself for a guest without interfaces.
  const isImplicit = interfaces.length === 0 && hijack.length === 1 && hijack[0] === 'inet';
  return {
    vsock: isImplicit ? 'implicit' : tsi ? { hijack } : 'none',
    ...(tsi && hijack.includes('inet') ? { portMap: tsi.ports } : {}),
    interfaces: interfaces.map(interfaceOf),
  };
}

function interfaceOf({ mac, offloading, dhcp, backend }: SpecInterface, index: number): VmInterface {
  const common = { mac, offloading, dhcp };
  const socket = fd(linkName(index));
  switch (backend.kind) {
    case 'tap':
    case 'unixgram':
      return { ...common, backend };
    case 'vmnet-helper':
      return { ...common, backend: { kind: 'unixgram', fd: socket } };
    case 'unixstream':
    case 'passt':
      return { ...common, backend: { kind: 'unixstream', fd: socket } };
  }
}

function consolesOf({ guest }: MachineSpec): readonly VmConsole[] {
  const ports: readonly VmConsole[] =
    guest.kind === 'bootstrap' ? [{ kind: 'multiport', ports: consolePorts(guest).map(portOf) }] : [];
  return [...ports, { kind: 'default', input: -1, output: fd('stdout'), error: fd('stderr') }];
}

function portOf({ name, carries }: ConsolePort): VmConsolePort {
  if (carries === 'terminal') return { kind: 'terminal', name: `krun.${name}`, fd: fd(name) };
  return {
    kind: 'inout',
    name: `krun.${name}`,
    input: carries === 'output' ? -1 : fd(name),
    output: carries === 'input' ? -1 : fd(carries === 'both' ? `${name}.out` : name),
  };
}

function execOf(guest: GuestSpec): { readonly exec?: VmExec } {
  if (guest.kind === 'bootstrap')
    return { exec: { path: '/bin/sh', args: ['-c', LOADER], env: [], isChecked: true } };
  const words = guest.kind === 'self' ? guest.exec : guest;
  const [path, ...args] = words?.command ?? [];
  if (words === undefined || path === undefined) return {};
  const env = Object.entries(words.environment).map(([name, value]) => `${name}=${value}`);
  return { exec: { path, args, env, workingDir: words.workingDir } };
}

/** Neither a shell script nor a program's argument can hold one. */
function nulBytes(guest: Extract<GuestSpec, { readonly kind: 'bootstrap' }>): readonly Diagnostic[] {
  const texts = {
    command: guest.command,
    environment: Object.entries(guest.environment).flat(),
    working_dir: [guest.workingDir],
  };
  return Object.entries(texts)
    .filter(([, words]) => words.some((word) => word.includes('\0')))
    .map(([key]) =>
      errorDiagnostic('invalid-value', `${key} has a NUL character, which no program can be given`),
    );
}

import { errorDiagnostic, type Diagnostic } from '../base/diagnostic.ts';
import { err, type Result } from '../base/result.ts';
import type { LogLevel } from '../project/project.ts';
import type { Capabilities } from '../vm/call-list.ts';
import type { Call, Fd } from '../vm/calls.ts';
import { compile } from '../vm/compile.ts';
import type { Vm, VmConsole, VmConsolePort, VmExec, VmInterface, VmNetwork } from '../vm/vm.ts';
import { LOADER } from './bootstrap.ts';
import { bootOptions, machineProperties } from './configure-boot.ts';
import { deviceOptions } from './configure-devices.ts';
import { consolePorts, userPorts, type ConsolePort } from './console-ports.ts';
import { linkName } from './link-name.ts';
import type { GuestSpec, MachineSpec, SpecInterface } from './spec.ts';

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
  const { devices, ...options } = deviceOptions(spec);
  const properties = { ...devices, ...machineProperties(spec) };
  return {
    log: { target: fd('log'), level: LOG_LEVELS[spec.logLevel], ignoreEnvironment: true },
    vcpus: spec.cpus,
    memoryMiB: spec.memoryMiB,
    ...bootOptions(spec),
    disks: spec.disks,
    shares: spec.shares,
    rlimits: spec.rlimits,
    network: networkOf(spec),
    consoles: { kind: 'explicit', consoles: consolesOf(spec) },
    ...options,
    ...(Object.keys(properties).length === 0 ? {} : { devices: properties }),
    ...execOf(spec.guest),
  };
}

function fd(descriptor: string): Fd {
  return { descriptor };
}

function networkOf({ network: { tsi, interfaces }, devices }: MachineSpec): VmNetwork {
  const vsockPorts = devices?.vsock ?? [];
  const hijack = [...new Set(tsi?.hijack)];
  // What libkrun does by itself for a guest without interfaces.
  const isImplicit = interfaces.length === 0 && hijack.length === 1 && hijack[0] === 'inet';
  return {
    // The ports need a device, which takes none of the guest's sockets by itself.
    vsock: isImplicit ? 'implicit' : tsi || vsockPorts.length > 0 ? { hijack } : 'none',
    ...(tsi && hijack.includes('inet') ? { portMap: tsi.ports } : {}),
    interfaces: interfaces.map(interfaceOf),
    ...(vsockPorts.length === 0 ? {} : { vsockPorts }),
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

function consolesOf({ guest, devices }: MachineSpec): readonly VmConsole[] {
  const ports = guest.kind === 'bootstrap' ? consolePorts(guest) : userPorts(devices?.consolePorts);
  // libkrun aborts on a console of this kind without ports.
  const own: readonly VmConsole[] = ports.length > 0 ? [{ kind: 'multiport', ports: ports.map(portOf) }] : [];
  return [...own, { kind: 'default', input: -1, output: fd('stdout'), error: fd('stderr') }];
}

function portOf({ name, carries, label = `krun.${name}` }: ConsolePort): VmConsolePort {
  if (carries === 'terminal') return { kind: 'terminal', name: label, fd: fd(name) };
  return {
    kind: 'inout',
    name: label,
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

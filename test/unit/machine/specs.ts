import { isOlder } from '../../../src/libkrun/version.ts';
import { LOADER } from '../../../src/machine/bootstrap.ts';
import { calls } from '../../../src/machine/configure.ts';
import type { Capabilities } from '../../../src/vm/call-list.ts';
import { formatCall } from '../../../src/vm/calls.ts';
import { LIBKRUN_FUNCTIONS, type LibkrunFunction } from '../../../src/vm/functions.ts';
import type { GuestSpec, MachineSpec, SpecNetwork } from '../../../src/machine/spec.ts';

type Bootstrap = Extract<GuestSpec, { readonly kind: 'bootstrap' }>;

export function bootstrapGuest(more: Partial<Bootstrap> = {}): Bootstrap {
  return {
    kind: 'bootstrap',
    command: ['/bin/true'],
    environment: {},
    workingDir: '/',
    hostname: 'web',
    network: { interfaces: [], nameservers: [], searchDomains: [], hosts: [] },
    mounts: [],
    sessions: { slots: 1, terminals: 1 },
    ...more,
  };
}

export function machineSpec(more: Partial<MachineSpec> = {}): MachineSpec {
  return {
    version: 1,
    project: 'shop',
    machine: 'web',
    run: 1,
    intentFile: '/p/intent.json',
    identityFile: '/p/process.json',
    controlSocket: '/r/m-web',
    files: { stdout: '/p/o', stderr: '/p/e', console: '/p/c', helper: '/p/h', status: '/p/s' },
    library: { libkrun: '/l/libkrun.so.1' },
    logLevel: 'warn',
    cpus: 1,
    memoryMiB: 512,
    root: { kind: 'directory', path: '/p/root' },
    disks: [],
    shares: [],
    rlimits: [],
    network: { interfaces: [], hostPorts: [] },
    guest: bootstrapGuest(),
    stopSignal: 'SIGTERM',
    ...more,
  };
}

const FUNCTIONS = Object.keys(LIBKRUN_FUNCTIONS) as LibkrunFunction[];

/** A library with all functions but some, on a Linux PC. */
export function without(...missing: readonly LibkrunFunction[]): Capabilities {
  return {
    functions: new Set(FUNCTIONS.filter((name) => !missing.includes(name))),
    arch: 'x64',
    os: 'linux',
  };
}

export const NEWEST: Capabilities = without();
export const LIBKRUN_1_18: Capabilities = of('1.18.99');
export const LIBKRUN_1_17: Capabilities = of('1.17.99');

/** The library of a version. */
function of(version: string): Capabilities {
  return without(...FUNCTIONS.filter((name) => isOlder(version, LIBKRUN_FUNCTIONS[name].since)));
}

/** The calls of a machine as text. */
export function callText(spec: MachineSpec, capabilities: Capabilities): string {
  const result = calls(spec, capabilities);
  if (!result.ok) throw new Error(result.error.map(({ message }) => message).join('\n'));
  return result.value.map(formatCall).join('\n').replace(JSON.stringify(LOADER), 'LOADER');
}

/** Why a machine has no calls. */
export function problems(spec: MachineSpec, capabilities: Capabilities): string {
  const result = calls(spec, capabilities);
  if (result.ok) return 'none';
  return result.error.map(({ code, message, hint }) => `${code}: ${message}\n  ${hint ?? ''}`).join('\n');
}

export function tsiNetwork(ports: NonNullable<SpecNetwork['tsi']>['ports']): SpecNetwork {
  return { tsi: { hijack: ['inet'], ports }, interfaces: [], hostPorts: [] };
}

import type { Capabilities } from '../../../src/vm/call-list.ts';
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

/** A library with all functions but some, on a Linux PC. */
export function without(...missing: readonly LibkrunFunction[]): Capabilities {
  const all = Object.keys(LIBKRUN_FUNCTIONS) as LibkrunFunction[];
  return { functions: new Set(all.filter((name) => !missing.includes(name))), arch: 'x64', os: 'linux' };
}

export function tsiNetwork(ports: NonNullable<SpecNetwork['tsi']>['ports']): SpecNetwork {
  return { tsi: { hijack: ['inet'], ports }, interfaces: [], hostPorts: [] };
}

import { machineHash } from '../../../src/project/hash.ts';
import type { Dependency, Disk, DiskAttachment, Machine, Project } from '../../../src/project/project.ts';
import type { Plan } from '../../../src/plan/action.ts';
import type { MachineState } from '../../../src/plan/machine-state.ts';
import type { Observed, ObservedMachine } from '../../../src/plan/observed.ts';
import { printPlan } from '../../../src/plan/print.ts';
import { planRequest } from '../../../src/plan/reconcile.ts';
import type { Request, UpRequest } from '../../../src/plan/request.ts';

const SINCE = '2026-11-20T10:00:00.000Z';

/** A machine with defaults, as resolving makes it. */
export function machine(name: string, more: Partial<Machine> = {}): Machine {
  return {
    name,
    kind: 'service',
    cpus: 1,
    memoryMiB: 512,
    root: { kind: 'directory', path: `/p/${name}` },
    command: ['/bin/app'],
    environment: {},
    workingDir: '/',
    hostname: name,
    rlimits: [],
    disks: [],
    shares: [],
    network: { driver: 'none' },
    dependsOn: {},
    restart: { policy: 'no' },
    stopSignal: 'SIGTERM',
    stopGracePeriodMs: 10_000,
    bootTimeoutMs: 60_000,
    agent: true,
    logs: { maxBytes: 10 * 1024 ** 2, maxFiles: 3 },
    libkrun: { logLevel: 'warn' },
    ...more,
  };
}

export function needs(...names: string[]): { dependsOn: Record<string, Dependency> } {
  return { dependsOn: Object.fromEntries(names.map((name) => [name, { condition: 'started' }])) };
}

export function needsDone(name: string): { dependsOn: Record<string, Dependency> } {
  return { dependsOn: { [name]: { condition: 'completed_successfully' } } };
}

export function namedDisk(name: string, more: Partial<DiskAttachment> = {}): DiskAttachment {
  return {
    source: { kind: 'named', name },
    format: 'raw',
    readOnly: false,
    sync: 'full',
    directIo: false,
    ...more,
  };
}

export function disk(name: string, gibibytes: number, more: Partial<Disk> = {}): Disk {
  return { name, sizeBytes: gibibytes * 1024 ** 3, format: 'raw', protect: false, ...more };
}

export function project(machines: readonly Machine[], more: Partial<Project> = {}): Project {
  return {
    name: 'shop',
    directory: '/p',
    files: ['/p/krun.yaml'],
    libkrun: { logLevel: 'warn' },
    machines: Object.fromEntries(machines.map((one) => [one.name, one])),
    disabledMachines: [],
    disks: {},
    origins: {},
    ...more,
  };
}

export const running: MachineState = { status: 'running', run: 1, since: SINCE };

export function exited(code: number | null): MachineState {
  return { status: 'exited', run: 1, since: SINCE, exit: { code } };
}

export function inState(status: 'starting' | 'stopping'): MachineState {
  return { status, run: 1, since: SINCE };
}

export function restarting(code: number): MachineState {
  return { status: 'restarting', run: 1, since: SINCE, exit: { code }, attempt: 1, nextAt: SINCE };
}

export function seen(
  definition: Machine,
  state: MachineState = running,
  more: Partial<ObservedMachine> = {},
): ObservedMachine {
  return { hash: machineHash(definition), definition, state, stoppedByUser: false, ...more };
}

export function observe(machines: readonly ObservedMachine[], more: Partial<Observed> = {}): Observed {
  return {
    machines: Object.fromEntries(machines.map((one) => [one.definition.name, one])),
    disks: {},
    staleBuilds: {},
    ...more,
  };
}

export const nothing: Observed = observe([]);

export function up(wanted: Project | readonly Machine[], more: Partial<UpRequest> = {}): UpRequest {
  return {
    type: 'up',
    project: 'machines' in wanted ? wanted : project(wanted),
    machines: [],
    noDeps: false,
    recreate: 'changed',
    removeOrphans: false,
    noStart: false,
    wait: false,
    ...more,
  };
}

/** The plan of a request as text, after a check of what every plan promises. */
export function plan(request: Request, observed: Observed = nothing): string {
  const made = planRequest(request, observed);
  checkOrder(made);
  return `\n${printPlan(made)}\n`;
}

/** Ids count from 1 and edges lead backwards; that is what makes a plan executable. */
export function checkOrder({ nodes }: Plan): void {
  for (const [index, node] of nodes.entries()) {
    if (node.id !== index + 1) throw new Error(`node ${index} has the id ${node.id}`);
    if (node.after.some((id) => id >= node.id || id < 1))
      throw new Error(`[${node.id}] waits for a later node`);
  }
}

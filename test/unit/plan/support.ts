import { machineHash } from '../../../src/project/hash.ts';
import type {
  Dependency,
  Disk,
  DiskAttachment,
  Healthcheck,
  Machine,
  Project,
} from '../../../src/project/project.ts';
import { machineDefinition, projectOf } from '../../support/definitions.ts';
import type { Plan } from '../../../src/plan/action.ts';
import type { Health } from '../../../src/plan/health.ts';
import type { MachineState } from '../../../src/plan/machine-state.ts';
import type { Observed, ObservedMachine } from '../../../src/plan/observed.ts';
import { printPlan } from '../../../src/plan/print.ts';
import { planRequest } from '../../../src/plan/reconcile.ts';
import type { Request, UpRequest } from '../../../src/plan/request.ts';

const SINCE = '2026-11-20T10:00:00.000Z';

export { machineDefinition as machine, projectOf as project };

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

export const running: MachineState = { status: 'running', run: 1, since: SINCE };

export function runningWith(status: Health['status']): MachineState {
  return {
    status: 'running',
    run: 1,
    since: SINCE,
    health: { status, since: SINCE, wasHealthy: status !== 'starting', failures: 0 },
  };
}

export function tcpCheck(port: number): Healthcheck {
  return {
    probe: { kind: 'tcp', port },
    intervalMs: 30_000,
    timeoutMs: 30_000,
    startPeriodMs: 0,
    startIntervalMs: 200,
    retries: 3,
    liveness: false,
  };
}

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
    project: 'machines' in wanted ? wanted : projectOf(wanted),
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

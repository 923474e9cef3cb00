import { own } from '../base/record.ts';
import type { Disk } from '../project/project.ts';
import { formatSize, formatSizeChange } from '../project/units.ts';
import type { Decision } from './decision.ts';
import { namedDisks } from './machine-disks.ts';
import { isActive } from './machine-state.ts';
import type { Observed, ObservedDisk } from './observed.ts';
import type { PlanBuilder } from './plan-builder.ts';
import type { UpRequest } from './request.ts';

/** What happens to one named disk before the machines that use it are made. */
export type DiskStep =
  | { readonly type: 'create'; readonly disk: Disk; readonly cause: string }
  | {
      readonly type: 'grow';
      readonly disk: Disk;
      readonly fromBytes: number;
      readonly cause: string;
      /** Why those that run on it stop. */
      readonly stopCause: string;
      /** Machines that run on the disk now; all of them stop in this plan. */
      readonly running: readonly string[];
    };

/** What disk planning reads and says. */
export interface DiskContext {
  readonly request: UpRequest;
  readonly observed: Observed;
  readonly builder: PlanBuilder;
  /** Machines that the plan removes because the file no longer names them. */
  readonly removedOrphans: ReadonlySet<string>;
}

interface DiskPlan {
  readonly steps: readonly DiskStep[];
  /** With the stops and starts that growing a disk takes. */
  readonly decisions: ReadonlyMap<string, Decision>;
}

/** Decides about the named disks that the selected machines use. */
export function planDisks(decisions: ReadonlyMap<string, Decision>, context: DiskContext): DiskPlan {
  const changed = new Map(decisions);
  const running = runningUsers(context.observed);
  const diskSteps: DiskStep[] = [];
  for (const [name, users] of diskUsers(decisions)) {
    const disk = own(context.request.project.disks, name);
    // A machine that is kept as it is may use a disk that the file no longer has.
    if (!disk) continue;
    const found = own(context.observed.disks, name);
    const step = found
      ? growStep(disk, found, running.get(name) ?? [], { ...context, decisions: changed })
      : createStep(disk, users, { ...context, decisions: changed });
    if (!step) continue;
    diskSteps.push(step);
    if (step.type === 'grow') {
      for (const machine of step.running) interrupt(changed, machine, step.stopCause);
    }
  }
  return { steps: diskSteps, decisions: changed };
}

interface DecidedContext extends DiskContext {
  readonly decisions: ReadonlyMap<string, Decision>;
}

function createStep(disk: Disk, users: readonly string[], context: DecidedContext): DiskStep | undefined {
  // A disk is made for the first machine that is made or started on it.
  const wanted = users.some((user) => {
    const decision = context.decisions.get(user);
    return decision?.create !== undefined || decision?.start !== undefined;
  });
  if (!wanted) return undefined;
  const place = own(context.request.project.origins, `disks.${disk.name}`);
  return { type: 'create', disk, cause: place === undefined ? 'new disk' : `new disk (${place})` };
}

function growStep(
  disk: Disk,
  found: ObservedDisk,
  running: readonly string[],
  context: DecidedContext,
): DiskStep | undefined {
  const { builder, request } = context;
  if (found.format !== disk.format) {
    builder.refuse(
      `disk ${disk.name} exists as ${found.format}, not as ${disk.format}${said(request, disk, 'format')}: ` +
        `krun does not convert disks; keep \`format: ${found.format}\` or name a new disk`,
    );
    return undefined;
  }
  if (disk.sizeBytes < found.sizeBytes) {
    builder.note(
      `disk ${disk.name} stays at ${formatSize(found.sizeBytes)}, because disks never shrink; ` +
        `the file says ${formatSize(disk.sizeBytes)}${said(request, disk, 'size')}`,
    );
  }
  if (disk.sizeBytes <= found.sizeBytes) return undefined;
  const obstacle = growObstacle(running, context);
  if (obstacle !== undefined) {
    builder.note(`disk ${disk.name} is not grown to ${formatSize(disk.sizeBytes)} now: ${obstacle}`);
    return undefined;
  }
  const change = `${formatSizeChange(found.sizeBytes, disk.sizeBytes)}${said(request, disk, 'size')}`;
  return {
    type: 'grow',
    disk,
    fromBytes: found.sizeBytes,
    cause: `size changed ${change}`,
    stopCause: `disk ${disk.name} grows ${change}`,
    running,
  };
}

/** Why a machine that runs on the disk cannot be stopped for it. */
function growObstacle(running: readonly string[], context: DecidedContext): string | undefined {
  const { request, decisions, removedOrphans } = context;
  for (const machine of running) {
    if (removedOrphans.has(machine)) continue;
    const decision = decisions.get(machine);
    if (!decision) return `machine ${machine} runs on it and is not part of this request`;
    if (decision.stop !== undefined) continue;
    if (request.recreate === 'never') return `machine ${machine} runs on it (--no-recreate)`;
    if (request.noStart) return `machine ${machine} runs on it (--no-start)`;
  }
  return undefined;
}

/** Stops a running machine that nothing else stops, and starts it again. */
export function interrupt(decisions: Map<string, Decision>, machine: string, cause: string): void {
  const decision = decisions.get(machine);
  if (decision && decision.stop === undefined) {
    decisions.set(machine, { ...decision, stop: cause, start: decision.start ?? cause });
  }
}

function said(request: UpRequest, disk: Disk, key: string): string {
  const { origins } = request.project;
  const place = own(origins, `disks.${disk.name}.${key}`) ?? own(origins, `disks.${disk.name}`);
  return place === undefined ? '' : ` (${place})`;
}

/** Named disks with the decided machines that use them, by name. */
function diskUsers(decisions: ReadonlyMap<string, Decision>): readonly [string, readonly string[]][] {
  const users = new Map<string, string[]>();
  for (const [machine, decision] of decisions) collect(users, namedDisks(decision.definition), machine);
  return [...users].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

function runningUsers(observed: Observed): ReadonlyMap<string, readonly string[]> {
  const users = new Map<string, string[]>();
  for (const [machine, { definition, state }] of Object.entries(observed.machines)) {
    if (isActive(state)) collect(users, namedDisks(definition), machine);
  }
  return users;
}

function collect(users: Map<string, string[]>, disks: readonly string[], machine: string): void {
  for (const disk of disks) {
    const known = users.get(disk);
    if (known) known.push(machine);
    else users.set(disk, [machine]);
  }
}

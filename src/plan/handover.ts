import { own } from '../base/record.ts';
import { dependencyGraph, withNeeds } from '../project/graph.ts';
import type { Machine } from '../project/project.ts';
import type { Decision } from './decision.ts';
import { attachedDisks, diskLabel } from './machine-disks.ts';
import { isActive } from './machine-state.ts';
import { processNetworks } from './network-use.ts';
import type { Observed } from './observed.ts';
import type { PlanBuilder } from './plan-builder.ts';
import { interrupt } from './up-disks.ts';

/** Something of which the host has one. */
export interface Resource {
  readonly key: string;
  /** Machines that want it in one form can have it together; without a form it is for one alone. */
  readonly form?: string;
}

/** What a running machine holds until it stops, or until it is changed while it runs. */
export function resourcesOf(definition: Machine): readonly Resource[] {
  return [
    ...attachedDisks(definition).map((disk) => ({
      key: `disk ${diskLabel(disk)}`,
      ...(disk.readOnly ? { form: 'read-only' } : {}),
    })),
    ...portKeys(definition).map((key) => ({ key })),
    ...processNetworks(definition).map(({ attachment, shape }) => ({
      key: `network ${attachment.network.name}`,
      form: shape,
    })),
  ];
}

/** The host's ports and sockets that a machine publishes; what krun chooses is free anyway. */
export function portKeys({ ports }: Machine): readonly string[] {
  return ports.flatMap((port) => {
    if ('socket' in port) return [`socket ${port.socket}`];
    return port.host === 'auto' ? [] : [`port ${port.host}/${port.protocol}`];
  });
}

interface Freed extends Resource {
  readonly machine: string;
  readonly node: number;
}

/** Who lets go of what in this plan; gives the nodes that a machine has to wait for. */
export class FreedResources {
  readonly #freed = new Map<string, Freed[]>();

  constructor(observed: Observed, stops: ReadonlyMap<string, number>) {
    for (const [machine, node] of stops) {
      const definition = own(observed.machines, machine)?.definition;
      for (const resource of definition ? resourcesOf(definition) : []) this.#add(machine, node, resource);
    }
  }

  /** A machine is changed while it runs: what it has no more is free afterwards. */
  addUpdate(node: number, before: Machine, after: Machine): void {
    const kept = new Set(resourcesOf(after).map(({ key }) => key));
    for (const resource of resourcesOf(before)) {
      if (!kept.has(resource.key)) this.#add(before.name, node, resource);
    }
  }

  /** Stops and updates of other machines that hold what this definition needs. */
  nodesBefore(definition: Machine): readonly number[] {
    return resourcesOf(definition).flatMap((wanted) =>
      (this.#freed.get(wanted.key) ?? [])
        .filter((held) => held.machine !== definition.name && !canShare(held, wanted))
        .map((held) => held.node),
    );
  }

  #add(machine: string, node: number, resource: Resource): void {
    const freed = { ...resource, machine, node };
    const known = this.#freed.get(resource.key);
    if (known) known.push(freed);
    else this.#freed.set(resource.key, [freed]);
  }
}

function canShare(held: Resource, wanted: Resource): boolean {
  return held.form !== undefined && held.form === wanted.form;
}

/** Refuses starts on a disk that a machine outside this plan's reach runs on, where either of them writes. */
export function refuseSharedDisks(
  builder: PlanBuilder,
  decisions: ReadonlyMap<string, Decision>,
  observed: Observed,
  removedOrphans: ReadonlySet<string>,
): void {
  const holders = new Map<string, { readonly machine: string; readonly writes: boolean }>();
  for (const [machine, { definition, state }] of Object.entries(observed.machines)) {
    // Machines of the request were checked against each other when the file was.
    if (!isActive(state) || removedOrphans.has(machine) || decisions.has(machine)) continue;
    for (const disk of attachedDisks(definition)) {
      const label = diskLabel(disk);
      holders.set(label, { machine, writes: !disk.readOnly || holders.get(label)?.writes === true });
    }
  }
  for (const [machine, { definition, start }] of decisions) {
    if (start === undefined) continue;
    for (const disk of attachedDisks(definition)) {
      const holder = holders.get(diskLabel(disk));
      if (!holder || (disk.readOnly && !holder.writes)) continue;
      builder.refuse(
        `machine ${machine} cannot have disk ${diskLabel(disk)} while machine ${holder.machine} runs on it: ` +
          `stop ${holder.machine} first (krun stop ${holder.machine})`,
      );
    }
  }
}

/**
 * Stops the running machines whose disk a task needs first: the two take turns, the task and then what depends on
 * it. Without such a dependency the file would have been refused.
 */
export function interruptHolders(
  decided: ReadonlyMap<string, Decision>,
  observed: Observed,
): ReadonlyMap<string, Decision> {
  const decisions = new Map(decided);
  const definitions = Object.fromEntries([...decided].map(([name, { definition }]) => [name, definition]));
  const graph = dependencyGraph(definitions);
  const holders = runningHolders(decided, observed);
  for (const [name, { definition, start }] of decided) {
    if (start === undefined) continue;
    for (const disk of attachedDisks(definition)) {
      for (const holder of holders.get(diskLabel(disk)) ?? []) {
        if (holder.machine === name || (disk.readOnly && !holder.writes)) continue;
        const dependsOnStarting = withNeeds(graph, [holder.machine]).includes(name);
        if (dependsOnStarting) interrupt(decisions, holder.machine, `${name} needs disk ${diskLabel(disk)}`);
      }
    }
  }
  return decisions;
}

interface Holder {
  readonly machine: string;
  readonly writes: boolean;
}

/** Machines of the request that run, by the disks that they run on. */
function runningHolders(
  decided: ReadonlyMap<string, Decision>,
  observed: Observed,
): ReadonlyMap<string, readonly Holder[]> {
  const holders = new Map<string, Holder[]>();
  for (const machine of decided.keys()) {
    const running = own(observed.machines, machine);
    if (!running || !isActive(running.state)) continue;
    for (const disk of attachedDisks(running.definition)) {
      const holder = { machine, writes: !disk.readOnly };
      const known = holders.get(diskLabel(disk));
      if (known) known.push(holder);
      else holders.set(diskLabel(disk), [holder]);
    }
  }
  return holders;
}

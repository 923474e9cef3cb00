import { basename } from 'node:path';
import { own } from '../base/record.ts';
import { dependencyGraph, startOrder, withNeeds } from '../project/graph.ts';
import type { Machine, Project } from '../project/project.ts';
import { rootKey } from '../project/shared-builds.ts';
import type { Plan } from './action.ts';
import { decide, type Decision } from './decision.ts';
import { FreedResources, interruptHolders, refuseSharedDisks } from './handover.ts';
import { namedDisks } from './machine-disks.ts';
import { orderUpdates } from './live-updates.ts';
import { isActive, type MachineState } from './machine-state.ts';
import { refuseNetworkShapes, type NetworkChanges } from './network-handover.ts';
import { networkNotes } from './network-notes.ts';
import type { Observed, ObservedMachine } from './observed.ts';
import { addStarts, addStops, type StartItem } from './ordering.ts';
import { PlanBuilder } from './plan-builder.ts';
import { unknownMachine } from './causes.ts';
import type { UpRequest } from './request.ts';
import { restartDependants } from './restart-cascade.ts';
import { isSuccess } from './restart.ts';
import { planDisks, type DiskStep } from './up-disks.ts';

type Decisions = ReadonlyMap<string, Decision>;

/** Plans what makes the machines of a project run as its file says: only what differs, in an order that holds. */
export function planUp(request: UpRequest, observed: Observed): Plan {
  const builder = new PlanBuilder();
  const selected = selectForUp(request, builder);
  const first = new Map(
    selected.map((machine) => [machine.name, decide(request, observed, machine, builder)]),
  );
  const orphans = planOrphans(request, observed, builder);
  const removedOrphans = new Set(orphans.keys());
  const { steps, decisions: grown } = planDisks(first, { request, observed, builder, removedOrphans });
  const decisions = restartDependants(interruptHolders(grown, observed), observed, removedOrphans);
  noteDoneTasks(request, decisions, builder);
  const touched = [...decisions.values()].filter(({ create, start }) => create ?? start);
  const definitions = touched.map(({ definition }) => definition);
  for (const note of networkNotes(request.project, definitions)) builder.note(note);
  refuseSharedDisks(builder, decisions, observed, removedOrphans);
  refuseNetworkShapes(builder, observed, networkChanges(decisions, removedOrphans));
  new UpNodes(request, observed, builder, decisions).add(orphans, steps);
  return builder.build();
}

/** The machines that the request is about, in start order. */
function selectForUp(request: UpRequest, builder: PlanBuilder): readonly Machine[] {
  const { machines } = request.project;
  for (const name of request.machines) {
    if (!Object.hasOwn(machines, name)) builder.refuse(unknownMachine(name, Object.keys(machines)));
  }
  const graph = dependencyGraph(machines);
  const wanted = new Set(
    request.machines.length === 0
      ? Object.keys(machines)
      : request.noDeps
        ? request.machines
        : withNeeds(graph, request.machines),
  );
  return startOrder(graph).flatMap((name) => {
    const machine = wanted.has(name) ? own(machines, name) : undefined;
    return machine ? [machine] : [];
  });
}

/** Machines that the file no longer names and that the request removes, with the cause. */
function planOrphans(
  request: UpRequest,
  observed: Observed,
  builder: PlanBuilder,
): ReadonlyMap<string, string> {
  const { project } = request;
  const disabled = new Set(project.disabledMachines);
  // `krun run` is about its own machine and what that needs.
  if (Object.values(project.machines).some(({ oneOff }) => oneOff)) return new Map();
  const orphans = Object.entries(observed.machines)
    .filter(([name]) => !Object.hasOwn(project.machines, name) && !disabled.has(name))
    // One that still runs its command is in nobody's way.
    .filter(([, { definition, state }]) => !definition.oneOff || !isActive(state))
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  if (request.removeOrphans) {
    return new Map(orphans.map(([name, machine]) => [name, `orphan: ${whyOrphan(machine, project)}`]));
  }
  for (const [name, machine] of orphans) {
    const what = machine.definition.oneOff ? 'one-off' : 'orphan';
    const why = whyOrphan(machine, project);
    builder.note(`${what} machine ${name} is kept: it is ${why} (--remove-orphans removes it)`);
  }
  return new Map();
}

function whyOrphan({ definition }: ObservedMachine, project: Project): string {
  return definition.oneOff
    ? `left from krun run ${definition.oneOff.of}`
    : `no longer in ${fileName(project)}`;
}

function fileName(project: Project): string {
  return basename(project.files[0] ?? 'krun.yaml');
}

/** Somebody who names a task expects it to run. */
function noteDoneTasks(request: UpRequest, decisions: Decisions, builder: PlanBuilder): void {
  for (const name of request.machines) {
    const decision = decisions.get(name);
    const state = decision?.before?.state;
    if (decision?.definition.kind !== 'task' || decision.start !== undefined) continue;
    if (state?.status !== 'exited' || !isSuccess(state.exit) || request.noStart) continue;
    builder.note(`task ${name} is done: exited 0 at ${state.since} (krun start ${name} runs it again)`);
  }
}

function networkChanges(decisions: Decisions, removedOrphans: ReadonlySet<string>): NetworkChanges {
  const decided = [...decisions];
  return {
    starts: new Map(
      decided.flatMap(([name, { start, definition }]) =>
        start === undefined ? [] : [[name, definition] as const],
      ),
    ),
    stops: { has: (name) => removedOrphans.has(name) || decisions.get(name)?.stop !== undefined },
  };
}

/** Turns decisions into nodes: stops, removals, disks, builds, records, starts, waits. */
class UpNodes {
  readonly #stops: Map<string, number> = new Map();
  readonly #removes: Map<string, number> = new Map();
  readonly #disks: Map<string, number> = new Map();
  readonly #updates: Map<string, number> = new Map();
  /** Builds by the root that they make: machines with the same root share them. */
  readonly #builds: Map<string, number> = new Map();
  readonly #request: UpRequest;
  readonly #observed: Observed;
  readonly #builder: PlanBuilder;
  readonly #decisions: Decisions;

  constructor(request: UpRequest, observed: Observed, builder: PlanBuilder, decisions: Decisions) {
    this.#request = request;
    this.#observed = observed;
    this.#builder = builder;
    this.#decisions = decisions;
  }

  add(orphans: ReadonlyMap<string, string>, diskSteps: readonly DiskStep[]): void {
    this.#addStops(orphans);
    this.#addRemoves(orphans);
    for (const step of diskSteps) this.#addDisk(step);
    this.#addBuilds();
    const freed = new FreedResources(this.#observed, this.#stops);
    this.#addUpdates(freed);
    const starts = this.#addStarts(this.#addRecords(), freed);
    if (this.#request.wait && !this.#request.noStart) this.#addWaits(starts);
  }

  #addStops(orphans: ReadonlyMap<string, string>): void {
    const causes = new Map<string, string>();
    for (const [name, { stop }] of this.#decisions) if (stop !== undefined) causes.set(name, stop);
    for (const [name, cause] of orphans) {
      const state = own(this.#observed.machines, name)?.state;
      if (state && isActive(state)) causes.set(name, cause);
    }
    const options = { byUser: false, timeoutMs: this.#request.timeoutMs };
    const stops = addStops(this.#builder, this.#observed, causes, options);
    for (const [name, id] of stops) this.#stops.set(name, id);
  }

  #addRemoves(orphans: ReadonlyMap<string, string>): void {
    for (const [name, { remove }] of this.#decisions) if (remove !== undefined) this.#addRemove(name, remove);
    for (const [name, cause] of orphans) this.#addRemove(name, cause);
  }

  #addRemove(name: string, cause: string): void {
    const id = this.#builder.add({ type: 'remove', machine: name }, cause, present(this.#stops.get(name)));
    this.#removes.set(name, id);
  }

  #addDisk(step: DiskStep): void {
    const { disk, cause } = step;
    const id =
      step.type === 'create'
        ? this.#builder.add({ type: 'create-disk', disk }, cause)
        : this.#builder.add(
            { type: 'grow-disk', disk, fromBytes: step.fromBytes },
            cause,
            step.running.flatMap((machine) => present(this.#stops.get(machine))),
          );
    this.#disks.set(disk.name, id);
  }

  /** One build for all machines on a root, after all of them have stopped. */
  #addBuilds(): void {
    const pending = new Map<string, { name: string; definition: Machine; cause: string; after: number[] }>();
    for (const [name, { build, definition }] of this.#decisions) {
      if (build === undefined) continue;
      const root = rootKey(definition);
      const known = pending.get(root) ?? { name, definition, cause: build, after: [] };
      known.after.push(...present(this.#stops.get(name)));
      pending.set(root, known);
    }
    this.#refuseRootsInUse(pending);
    for (const [root, { name, definition, cause, after }] of pending) {
      this.#builds.set(root, this.#builder.add({ type: 'build', machine: name, definition }, cause, after));
    }
  }

  /** A build would pull the root away under a machine that goes on running. */
  #refuseRootsInUse(pending: ReadonlyMap<string, { readonly name: string }>): void {
    for (const [user, { definition, state }] of Object.entries(this.#observed.machines)) {
      const built = pending.get(rootKey(definition))?.name;
      if (built === undefined || !isActive(state) || this.#stops.has(user)) continue;
      this.#builder.refuse(
        `the root of ${built} cannot be built again while ${user} runs on it (krun stop ${user} first)`,
      );
    }
  }

  #addUpdates(freed: FreedResources): void {
    const items = [...this.#decisions].filter(([, { update }]) => update !== undefined);
    for (const [name, decision] of orderUpdates(items, this.#builder)) {
      const { definition, hash, before, update = '' } = decision;
      const changesLive = before !== undefined && isActive(before.state);
      const action = { type: 'update', machine: name, definition, hash } as const;
      const node = this.#builder.add(action, update, changesLive ? freed.nodesBefore(definition) : []);
      this.#updates.set(name, node);
      if (changesLive) freed.addUpdate(node, before.definition, definition);
    }
  }

  /** Creates; gives the node after which each machine can start. */
  #addRecords(): ReadonlyMap<string, readonly number[]> {
    const ready = new Map<string, readonly number[]>();
    for (const [name, decision] of this.#decisions) {
      const { definition, hash } = decision;
      const before = [
        ...present(this.#removes.get(name) ?? this.#stops.get(name)),
        ...present(this.#builds.get(rootKey(definition))),
        ...namedDisks(definition).flatMap((disk) => present(this.#disks.get(disk))),
      ];
      if (decision.create !== undefined) {
        const action = { type: 'create', machine: name, definition, hash } as const;
        ready.set(name, [this.#builder.add(action, decision.create, before)]);
      } else {
        ready.set(name, [...before, ...present(this.#updates.get(name))]);
      }
    }
    return ready;
  }

  #addStarts(
    ready: ReadonlyMap<string, readonly number[]>,
    freed: FreedResources,
  ): ReadonlyMap<string, number> {
    const items = new Map<string, StartItem>();
    const definitions: Record<string, Machine> = {};
    for (const [name, { definition, start }] of this.#decisions) {
      definitions[name] = definition;
      if (start === undefined) continue;
      // What another machine holds until it stops, this one can have only then.
      const after = [...(ready.get(name) ?? []), ...freed.nodesBefore(definition)];
      items.set(name, { cause: start, after });
    }
    const context = { observed: this.#observed, definitions, updates: this.#updates };
    return addStarts(this.#builder, context, items);
  }

  #addWaits(starts: ReadonlyMap<string, number>): void {
    for (const [name, { before, definition }] of this.#decisions) {
      const start = starts.get(name);
      if (start === undefined && !isUnsettled(before?.state, definition)) continue;
      const isChecked = definition.kind === 'service' && definition.healthcheck !== undefined;
      const condition = isChecked ? 'healthy' : 'running_or_completed';
      this.#builder.add(
        { type: 'wait', machine: name, condition },
        '--wait',
        present(start ?? this.#updates.get(name)),
      );
    }
  }
}

/** Whether a machine that this plan does not start still has to get where `--wait` wants it. */
function isUnsettled(state: MachineState | undefined, { kind, healthcheck }: Machine): boolean {
  if (state?.status !== 'running') return state?.status === 'starting' || state?.status === 'restarting';
  return kind === 'task' || (healthcheck !== undefined && state.health?.status !== 'healthy');
}

function present(id: number | undefined): readonly number[] {
  return id === undefined ? [] : [id];
}

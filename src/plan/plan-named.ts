import type { Machine } from '../project/project.ts';
import type { Plan } from './action.ts';
import { unknownMachine } from './causes.ts';
import { isActive } from './machine-state.ts';
import { refuseNetworkShapes } from './network-handover.ts';
import type { Observed, ObservedMachine } from './observed.ts';
import { addStarts, addStops, mapValues, type StartContext, type StartItem } from './ordering.ts';
import { PlanBuilder } from './plan-builder.ts';
import type { Request } from './request.ts';
import { withDependants } from './restart-cascade.ts';
import { isSuccess } from './restart.ts';

type Named<T extends Request['type']> = Extract<Request, { type: T }>;
type Chosen = readonly (readonly [name: string, machine: ObservedMachine])[];

/** Plans `krun start`: what exists and does not run is started, in dependency order. */
export function planStart(request: Named<'start'>, observed: Observed): Plan {
  const builder = new PlanBuilder();
  const chosen = choose(builder, observed, request.machines);
  const resting = chosen.filter(([, machine]) => !runs(machine) && isWanted(request.machines, machine));
  const stopping = resting.filter(([, machine]) => machine.state.status === 'stopping');
  const stops = addStops(builder, observed, causesOf(stopping, 'still stopping'), { byUser: false });
  refuseNetworkShapes(builder, observed, { starts: definitionsOf(resting), stops });
  addStarts(builder, contextOf(observed), startItems(causesOf(resting, 'krun start'), stops));
  noteMissingDependencies(builder, observed, resting);
  noteNoMachines(builder, observed);
  return builder.build();
}

/** Plans `krun stop`: dependants first, what is independent in parallel. */
export function planStop(request: Named<'stop'>, observed: Observed): Plan {
  const builder = new PlanBuilder();
  const active = choose(builder, observed, request.machines).filter(([, machine]) => isActive(machine.state));
  const options = { byUser: true, timeoutMs: request.timeoutMs };
  addStops(builder, observed, causesOf(active, 'krun stop'), options);
  return builder.build();
}

/** Plans `krun restart`: all stops in reverse order, then all starts in order. */
export function planRestart(request: Named<'restart'>, observed: Observed): Plan {
  const builder = new PlanBuilder();
  const chosen = choose(builder, observed, request.machines).filter(([, machine]) =>
    isWanted(request.machines, machine),
  );
  const causes = withDependants(causesOf(chosen, 'krun restart'), observed);
  const restarted = Object.entries(observed.machines).filter(([name]) => causes.has(name));
  const active = restarted.filter(([, machine]) => isActive(machine.state));
  const options = { byUser: false, timeoutMs: request.timeoutMs };
  const stopCauses = new Map(active.map(([name]) => [name, causes.get(name) ?? 'krun restart']));
  const stops = addStops(builder, observed, stopCauses, options);
  refuseNetworkShapes(builder, observed, { starts: definitionsOf(restarted), stops });
  addStarts(builder, contextOf(observed), startItems(causes, stops));
  noteNoMachines(builder, observed);
  return builder.build();
}

/** Plans `krun kill`: the signal goes to every process that there is, in no order. */
export function planKill(request: Named<'kill'>, observed: Observed): Plan {
  const builder = new PlanBuilder();
  const { signal } = request;
  for (const [name, { state }] of choose(builder, observed, request.machines)) {
    if (state.status === 'restarting') {
      builder.note(
        `machine ${name} has no process now: it waits for its restart (krun stop ${name} ends that)`,
      );
    } else if (isActive(state)) {
      builder.add({ type: 'kill', machine: name, signal }, 'krun kill');
    }
  }
  return builder.build();
}

/** Plans `krun rm`: stopped machines go; running ones only when the request stops them. */
export function planRm(request: Named<'rm'>, observed: Observed): Plan {
  const builder = new PlanBuilder();
  const chosen = choose(builder, observed, request.machines);
  const active = chosen.filter(([, machine]) => isActive(machine.state));
  const stopped = request.stop ? active : [];
  const stops = addStops(builder, observed, causesOf(stopped, 'krun rm'), { byUser: true });
  for (const [name, { state }] of chosen) {
    const stop = stops.get(name);
    if (isActive(state) && stop === undefined) {
      builder.note(`machine ${name} is ${state.status} and is kept (krun rm --stop stops it first)`);
    } else {
      builder.add({ type: 'remove', machine: name }, 'krun rm', stop === undefined ? [] : [stop]);
    }
  }
  return builder.build();
}

/** The machines of the request, all where none is named; unknown names refuse the request. */
function choose(builder: PlanBuilder, observed: Observed, names: readonly string[]): Chosen {
  const known = observed.machines;
  for (const name of names) {
    if (Object.hasOwn(known, name)) continue;
    builder.refuse(`${unknownMachine(name, Object.keys(known))} (krun up creates machines)`);
  }
  const wanted = new Set(names);
  return Object.entries(known)
    .filter(([name]) => names.length === 0 || wanted.has(name))
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/** A task that is done, and what `krun run` made, run again only when they are named. */
function isWanted(names: readonly string[], { definition, state }: ObservedMachine): boolean {
  const done = definition.kind === 'task' && state.status === 'exited' && isSuccess(state.exit);
  return names.length > 0 || (!done && definition.oneOff === undefined);
}

function runs({ state }: ObservedMachine): boolean {
  return isActive(state) && state.status !== 'stopping';
}

function causesOf(chosen: Chosen, cause: string): ReadonlyMap<string, string> {
  return new Map(chosen.map(([name]) => [name, cause]));
}

function definitionsOf(chosen: Chosen): ReadonlyMap<string, Machine> {
  return new Map(chosen.map(([name, { definition }]) => [name, definition]));
}

function startItems(
  causes: ReadonlyMap<string, string>,
  stops: ReadonlyMap<string, number>,
): ReadonlyMap<string, StartItem> {
  return new Map(
    [...causes].map(([name, cause]) => {
      const stop = stops.get(name);
      return [name, { cause, after: stop === undefined ? [] : [stop] }];
    }),
  );
}

function contextOf(observed: Observed): StartContext {
  return { observed, definitions: mapValues(observed.machines, (machine) => machine.definition) };
}

function noteNoMachines(builder: PlanBuilder, { machines }: Observed): void {
  if (Object.keys(machines).length === 0) builder.note('there are no machines (krun up creates them)');
}

/** `krun start` starts what it was told; what is missing for that is worth a remark. */
function noteMissingDependencies(builder: PlanBuilder, observed: Observed, starting: Chosen): void {
  const present = new Set(starting.map(([name]) => name));
  for (const [name, { definition }] of starting) {
    for (const [need, { condition, isOptional }] of Object.entries(definition.dependsOn)) {
      if (isOptional) continue;
      const machine = observed.machines[need];
      if (present.has(need) || (machine && isSatisfied(machine, condition))) continue;
      builder.note(`machine ${name} depends on ${need}, which ${missing(machine, condition)}`);
    }
  }
}

function isSatisfied({ state }: ObservedMachine, condition: string): boolean {
  if (isActive(state)) return true;
  return condition === 'completed_successfully' && state.status === 'exited' && isSuccess(state.exit);
}

function missing(machine: ObservedMachine | undefined, condition: string): string {
  if (!machine) return 'was not created';
  return condition === 'completed_successfully' ? 'has not completed successfully' : 'does not run';
}

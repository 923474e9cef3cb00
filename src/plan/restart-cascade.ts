import { own } from '../base/record.ts';
import { dependencyGraph, startOrder } from '../project/graph.ts';
import type { Machine } from '../project/project.ts';
import type { Decision } from './decision.ts';
import { isActive } from './machine-state.ts';
import type { Observed } from './observed.ts';
import { mapValues } from './ordering.ts';
import { interrupt } from './up-disks.ts';

/*
 * `depends_on: { db: { restart: true } }`. As in compose it is about what a command does to `db`: a machine that its own
 * restart policy starts again leaves its dependants alone.
 */

/** Adds the machines that run and want to be started again after one that `up` starts again. */
export function restartDependants(
  decided: ReadonlyMap<string, Decision>,
  observed: Observed,
  removedOrphans: ReadonlySet<string>,
): ReadonlyMap<string, Decision> {
  const decisions = new Map(decided);
  const definitions = {
    ...mapValues(observed.machines, ({ definition }) => definition),
    ...Object.fromEntries([...decided].map(([name, { definition }]) => [name, definition])),
  };
  for (const name of startOrder(dependencyGraph(definitions))) {
    const before = own(observed.machines, name);
    const definition = own(definitions, name);
    if (!before || !definition || !isActive(before.state) || removedOrphans.has(name)) continue;
    const need = restartNeed(definition, (other) => startsAgain(decisions.get(other)));
    if (need === undefined) continue;
    // One that the request is not about stays what it is.
    if (!decisions.has(name)) decisions.set(name, { definition, hash: before.hash, before });
    interrupt(decisions, name, causeOf(need));
  }
  return decisions;
}

/** Machines that are started again for the causes given, with those that want to be started again after them. */
export function withDependants(
  causes: ReadonlyMap<string, string>,
  observed: Observed,
): ReadonlyMap<string, string> {
  const all = new Map(causes);
  const definitions = mapValues(observed.machines, ({ definition }) => definition);
  for (const name of startOrder(dependencyGraph(definitions))) {
    const machine = own(observed.machines, name);
    if (!machine || all.has(name) || !isActive(machine.state)) continue;
    const need = restartNeed(machine.definition, (other) => all.has(other));
    if (need !== undefined) all.set(name, causeOf(need));
  }
  return all;
}

/** The dependency that has the machine started again. */
function restartNeed({ dependsOn }: Machine, startsAgain: (machine: string) => boolean): string | undefined {
  return Object.entries(dependsOn).find(([need, { restart }]) => restart && startsAgain(need))?.[0];
}

/** Whether a machine has run before, and is started. */
function startsAgain(decision: Decision | undefined): boolean {
  if (decision?.start === undefined || !decision.before) return false;
  return decision.before.state.status !== 'created';
}

function causeOf(need: string): string {
  return `depends on ${need}, which is started again (restart: true)`;
}

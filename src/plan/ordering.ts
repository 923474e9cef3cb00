import { own } from '../base/record.ts';
import { dependencyGraph, reverseGraph, startOrder } from '../project/graph.ts';
import type { Dependency, Machine } from '../project/project.ts';
import { isActive } from './machine-state.ts';
import type { Observed } from './observed.ts';
import type { PlanBuilder } from './plan-builder.ts';

/** What stops have in common. */
export interface StopOptions {
  readonly byUser: boolean;
  /** The machine's own grace period counts when absent. */
  readonly timeoutMs?: number | undefined;
}

type NodeIds = ReadonlyMap<string, number>;

/**
 * Adds the stops of running machines, given with their causes. What needs a machine stops before it, also where the
 * two are joined by machines that do not stop; what is independent stops in parallel.
 */
export function addStops(
  builder: PlanBuilder,
  observed: Observed,
  causes: ReadonlyMap<string, string>,
  options: StopOptions,
): NodeIds {
  const stops = new Map<string, number>();
  const definitions = mapValues(observed.machines, (machine) => machine.definition);
  const graph = dependencyGraph(definitions);
  const dependants = reverseGraph(graph);
  // For each name, the stops that have to end before whatever this machine needs may stop.
  const gates = new Map<string, readonly number[]>();
  for (const name of startOrder(graph).toReversed()) {
    // Records of different ages can form a cycle; only what was passed already has a gate, so no edge closes it.
    const after = (dependants.get(name) ?? []).flatMap((dependant) => gates.get(dependant) ?? []);
    const cause = causes.get(name);
    if (cause === undefined) {
      gates.set(name, [...new Set(after)]);
      continue;
    }
    const { byUser, timeoutMs } = options;
    const timeout = timeoutMs === undefined ? {} : { timeoutMs };
    const id = builder.add({ type: 'stop', machine: name, byUser, ...timeout }, cause, after);
    stops.set(name, id);
    gates.set(name, [id]);
  }
  return stops;
}

/** A machine to start, with its cause and what else has to be done before. */
export interface StartItem {
  readonly cause: string;
  readonly after: readonly number[];
}

/** What starts are ordered by. */
export interface StartContext {
  readonly observed: Observed;
  /** All machines whose dependencies count; a dependency on anything else is the user's own affair. */
  readonly definitions: Readonly<Record<string, Machine>>;
  /** Updates of records: only then does a machine end in the way that a wait expects. */
  readonly updates?: NodeIds;
}

/** Adds starts in dependency order, with waits where a start alone is not enough. */
export function addStarts(
  builder: PlanBuilder,
  context: StartContext,
  items: ReadonlyMap<string, StartItem>,
): NodeIds {
  const starts = new Starts(builder, context);
  const order = startOrder(dependencyGraph(context.definitions));
  for (const name of order) starts.visit(name, items.get(name));
  return starts.ids;
}

class Starts {
  readonly ids: Map<string, number> = new Map();
  readonly #waits = new Map<string, number>();
  /**
   * For machines that do not start themselves: what they would have waited for. Asked for by those who start after
   * them, because a wait that nobody needs would only take time, or fail.
   */
  readonly #passed = new Map<string, () => readonly number[]>();
  readonly #builder: PlanBuilder;
  readonly #context: StartContext;

  constructor(builder: PlanBuilder, context: StartContext) {
    this.#builder = builder;
    this.#context = context;
  }

  visit(name: string, item: StartItem | undefined): void {
    const needs = Object.entries(own(this.#context.definitions, name)?.dependsOn ?? {});
    if (!item) {
      let gates: readonly number[] | undefined;
      this.#passed.set(name, () => {
        gates ??= needs.flatMap(([need, dependency]) => this.#plannedGates(name, need, dependency));
        return gates;
      });
      return;
    }
    const gates = needs.flatMap(([need, dependency]) => this.#gates(name, need, dependency));
    this.ids.set(
      name,
      this.#builder.add({ type: 'start', machine: name }, item.cause, [...item.after, ...gates]),
    );
  }

  /** What a starting machine waits for, at one of its dependencies. */
  #gates(name: string, need: string, dependency: Dependency): readonly number[] {
    if (!Object.hasOwn(this.#context.definitions, need)) return [];
    if (this.ids.has(need) || !this.#isPending(need, dependency.condition)) {
      return this.#plannedGates(name, need, dependency);
    }
    return [this.#wait(name, need, dependency)];
  }

  /** As {@link #gates}, but only as far as this plan itself starts something. */
  #plannedGates(name: string, need: string, dependency: Dependency): readonly number[] {
    const start = this.ids.get(need);
    if (start === undefined) return this.#passed.get(need)?.() ?? [];
    const isEnough = dependency.condition === 'started' && !dependency.isOptional;
    return [isEnough ? start : this.#wait(name, need, dependency)];
  }

  /** Whether a machine that this plan does not start is on its way to the condition, or has left it. */
  #isPending(need: string, condition: Dependency['condition']): boolean {
    const state = own(this.#context.observed.machines, need)?.state;
    if (!state || !isActive(state)) return false;
    switch (condition) {
      case 'completed_successfully':
        return true;
      case 'started':
        return state.status !== 'running';
      case 'healthy':
      case 'log_ready':
        return state.status !== 'running' || state.health?.status !== 'healthy';
    }
  }

  #wait(name: string, need: string, { condition, isOptional }: Dependency): number {
    const optional = isOptional ? ({ isOptional } as const) : {};
    const key = `${condition} ${need} ${isOptional === true}`;
    const known = this.#waits.get(key);
    if (known !== undefined) return known;
    const before = this.ids.get(need) ?? this.#context.updates?.get(need);
    const id = this.#builder.add(
      { type: 'wait', machine: need, condition, ...optional },
      `${name} depends on it`,
      before === undefined ? [] : [before],
    );
    this.#waits.set(key, id);
    return id;
  }
}

/** The same names with other values. */
export function mapValues<T, U>(
  record: Readonly<Record<string, T>>,
  map: (value: T) => U,
): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}

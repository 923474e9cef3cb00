/** Who needs whom: each name with the names that have to come first. Names that are no keys are ignored. */
export type Graph = ReadonlyMap<string, readonly string[]>;

/** The dependency graph of anything that has `dependsOn`. */
export function dependencyGraph(
  machines: Readonly<Record<string, { readonly dependsOn: Readonly<Record<string, unknown>> }>>,
): Graph {
  return new Map(
    Object.entries(machines).map(([name, machine]) => [name, Object.keys(machine.dependsOn).toSorted()]),
  );
}

/**
 * Names in the order of start: what is needed comes first, equals by name. Names on a cycle, and those that need
 * them, come last, so that a cycle costs its members their order and nothing else.
 */
export function startOrder(graph: Graph): readonly string[] {
  const order = startLevels(graph).flat();
  if (order.length === graph.size) return order;
  const placed = new Set(order);
  return [...order, ...[...graph.keys()].filter((name) => !placed.has(name)).toSorted()];
}

/** Groups that can start together: the first needs nothing, each further one only what came before. Without cycles. */
export function startLevels(graph: Graph): readonly (readonly string[])[] {
  const waiting = new Map<string, number>();
  const dependants = reverseGraph(graph);
  for (const [name, needs] of graph) {
    waiting.set(name, new Set(needs.filter((need) => graph.has(need))).size);
  }
  const levels: string[][] = [];
  let level = [...graph.keys()].filter((name) => waiting.get(name) === 0).toSorted();
  while (level.length > 0) {
    levels.push(level);
    const next: string[] = [];
    for (const dependant of level.flatMap((name) => dependants.get(name) ?? [])) {
      const left = (waiting.get(dependant) ?? 0) - 1;
      waiting.set(dependant, left);
      if (left === 0) next.push(dependant);
    }
    level = next.toSorted();
  }
  return levels;
}

/** The same edges seen from the other end: each name with those that need it. */
export function reverseGraph(graph: Graph): ReadonlyMap<string, readonly string[]> {
  const reverse = new Map<string, string[]>([...graph.keys()].map((name) => [name, []]));
  for (const [name, needs] of graph) {
    for (const need of new Set(needs)) reverse.get(need)?.push(name);
  }
  return reverse;
}

/**
 * Cycles as trails: in `[a, b, c]`, a needs b, b needs c and c needs a. No name is in two of them, each begins with
 * its first name by alphabet, and a name that needs itself is a trail of one.
 */
export function findCycles(graph: Graph): readonly (readonly string[])[] {
  // Whatever has a place in the order is on no cycle, which leaves nothing to search in a sound graph.
  const finished = new Set(startLevels(graph).flat());
  const cycles: (readonly string[])[] = [];
  for (const start of [...graph.keys()].filter((name) => !finished.has(name)).toSorted()) {
    if (finished.has(start)) continue;
    const cycle = shortestCycle(graph, start, finished);
    if (!cycle) continue;
    cycles.push(cycle);
    for (const name of cycle) finished.add(name);
  }
  return cycles;
}

/** The shortest way from a name back to itself, around the finished ones. */
function shortestCycle(
  graph: Graph,
  start: string,
  finished: ReadonlySet<string>,
): readonly string[] | undefined {
  const cameFrom = new Map<string, string>();
  const queue = [start];
  // The queue grows while it is walked.
  for (const name of queue) {
    for (const need of graph.get(name) ?? []) {
      if (need === start) return trailTo(name, start, cameFrom);
      if (finished.has(need) || cameFrom.has(need) || !graph.has(need)) continue;
      cameFrom.set(need, name);
      queue.push(need);
    }
  }
  return undefined;
}

function trailTo(end: string, start: string, cameFrom: ReadonlyMap<string, string>): readonly string[] {
  const trail: string[] = [];
  for (let name: string | undefined = end; name !== undefined && name !== start; name = cameFrom.get(name)) {
    trail.push(name);
  }
  return [start, ...trail.toReversed()];
}

/** The names with everything that they need, directly and indirectly, sorted. */
export function withNeeds(graph: Graph, names: readonly string[]): readonly string[] {
  const found = new Set<string>();
  const open = names.filter((name) => graph.has(name));
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (found.has(name)) continue;
    found.add(name);
    open.push(...(graph.get(name) ?? []).filter((need) => graph.has(need)));
  }
  return [...found].toSorted();
}

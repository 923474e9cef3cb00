import { own } from '../base/record.ts';
import { nearest } from '../base/text.ts';
import { checkCondition } from './dependency-condition.ts';
import type { DependencyConfig, DependsOn, KrunFile } from '../config/schema.gen.ts';
import { findCycles, type Graph } from './graph.ts';
import type { Place } from './place.ts';
import type { Dependency } from './project.ts';
import { boolOr } from './scalars.ts';

/** What a dependency can refer to. */
export interface DependencyScope {
  readonly file: KrunFile;
  /** Machines whose profiles are active. */
  readonly enabled: ReadonlySet<string>;
}

/** What a machine needs, by name; references that lead nowhere are reported and left out. */
export function resolveDependsOn(
  value: DependsOn | undefined,
  scope: DependencyScope,
  at: Place,
): Readonly<Record<string, Dependency>> {
  const machine = at.parent.name;
  const entries = entriesOf(value, at).filter(({ name, place, config }) => {
    place.isOriginOf(at.path, name);
    if (name === machine) {
      place.error('cycle', `machine \`${machine}\` depends on itself`, {
        span: place.keySpan,
        hint: 'remove this dependency',
      });
      return false;
    }
    return isReachable(name, config, scope, place);
  });
  const dependencies = entries.map(({ name, place, config }) => {
    const dependency: Dependency = {
      condition: conditionOf(config),
      ...(boolOr(config?.restart, false) ? { restart: true } : {}),
      ...(boolOr(config?.required, true) ? {} : { isOptional: true }),
    };
    checkCondition(name, dependency.condition, scope.file, place);
    return [name, dependency] as const;
  });
  return Object.fromEntries(dependencies.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

interface Entry {
  readonly name: string;
  readonly place: Place;
  readonly config: DependencyConfig;
}

function entriesOf(value: DependsOn | undefined, at: Place): readonly Entry[] {
  if (Array.isArray(value)) {
    return value.map((name, index) => ({ name, place: at.child(index), config: null }));
  }
  return Object.entries(value ?? {})
    .filter(([name]) => !name.startsWith('x-'))
    .map(([name, config]) => ({ name, place: at.child(name), config }));
}

/** Where a machine says that it needs another. */
export function dependencyPlace(value: DependsOn | undefined, need: string, at: Place): Place {
  return entriesOf(value, at).find(({ name }) => name === need)?.place ?? at;
}

function isReachable(name: string, config: DependencyConfig, scope: DependencyScope, place: Place): boolean {
  if (scope.enabled.has(name)) return true;
  const { machines } = scope.file;
  const machine = own(machines, name);
  const message = machine ? `machine \`${name}\` is in no active profile` : `there is no machine \`${name}\``;
  if (!boolOr(config?.required, true)) {
    place.warning('unknown-reference', `${message}; goes on without it`, { span: place.keySpan });
    return false;
  }
  const near = nearest(name, Object.keys(machines));
  const profile = machine?.profiles?.[0] ?? '';
  const hint = machine
    ? `use --profile ${profile}, or write \`required: false\``
    : near === undefined
      ? undefined
      : `did you mean \`${near}\`?`;
  place.error('unknown-reference', message, {
    span: place.keySpan,
    ...(hint === undefined ? {} : { hint }),
  });
  return false;
}

/** Compose's names mean the same. */
function conditionOf(config: DependencyConfig): Dependency['condition'] {
  switch (config?.condition) {
    case 'completed_successfully':
    case 'service_completed_successfully':
      return 'completed_successfully';
    case 'healthy':
    case 'service_healthy':
      return 'healthy';
    case 'log_ready':
      return 'log_ready';
    case undefined:
    case 'started':
    case 'service_started':
      return 'started';
  }
}

/** Reports each cycle of dependencies with all of its edges. */
export function reportCycles(graph: Graph, placeOf: (machine: string, need: string) => Place): void {
  for (const cycle of findCycles(graph)) {
    const edges = cycle.map((machine, index) => {
      const need = cycle[(index + 1) % cycle.length] ?? machine;
      return { machine, need, place: placeOf(machine, need) };
    });
    const trail = [...cycle, cycle[0]].join(' -> ');
    edges[0]?.place.error('cycle', `machines depend on each other: ${trail}`, {
      span: edges[0].place.keySpan,
      related: edges.slice(1).map(({ machine, need, place }) => ({
        message: `\`${machine}\` depends on \`${need}\``,
        span: place.keySpan,
      })),
      hint: 'remove one of these dependencies',
    });
  }
}

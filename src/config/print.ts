import { toPlain } from '../source/locate.ts';
import type { MapEntry, MapTree, Tree } from '../source/tree.ts';
import { child, mapValues, withChild } from './normalize.ts';
import { redactTree } from './redact.ts';

/** A merged file with what decides how it is shown. */
export interface PrintRequest {
  readonly tree: MapTree;
  readonly name: string;
  /** With secrets as they are. */
  readonly showSecrets?: boolean | undefined;
  /** Machines to show; all when absent. */
  readonly machines?: readonly string[] | undefined;
}

/**
 * The merged configuration as a plain value: a valid krun.yaml once more, with a `$` of the result written as `$$`,
 * and without secrets unless they are wanted.
 */
export function printableConfig({ tree, name, machines, showSecrets }: PrintRequest): unknown {
  const span = { file: tree.span.file, start: 0, end: 0 };
  const named: [string, MapEntry] = [
    'name',
    { keySpan: span, value: { kind: 'scalar', span, value: name, isString: true } },
  ];
  const whole: MapTree = { ...tree, entries: new Map([named, ...withoutName(tree)]) };
  const all = showSecrets ? whole : redactTree(whole);
  return toPlain(
    mapValues(selectMachines(all, machines), (value, key) => (key.startsWith('x-') ? value : escaped(value))),
  );
}

function withoutName(tree: MapTree): [string, MapEntry][] {
  return [...tree.entries].filter(([key]) => key !== 'name');
}

function selectMachines(tree: MapTree, machines: readonly string[] | undefined): MapTree {
  const section = child(tree, 'machines');
  if (section?.kind !== 'map' || !machines) return tree;
  const entries = new Map([...section.entries].filter(([name]) => machines.includes(name)));
  return withChild(tree, 'machines', { ...section, entries });
}

function escaped(tree: Tree): Tree {
  if (tree.kind === 'map') return mapValues(tree, escaped);
  if (tree.kind === 'sequence') return { ...tree, items: tree.items.map(escaped) };
  return typeof tree.value === 'string' ? { ...tree, value: tree.value.replaceAll('$', '$$$$') } : tree;
}

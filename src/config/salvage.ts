import type { Diagnostic } from '../base/diagnostic.ts';
import { treeAt, toPlain } from '../source/locate.ts';
import type { MapTree, Tree, TreePath } from '../source/tree.ts';
import { validate, type SchemaError } from './validate.gen.js';
import { pointerSteps } from './value-words.ts';

/** What is left of a file when all that the schema refuses is taken away. */
export interface Salvage {
  readonly tree: MapTree;
  /** Whether a mistake found in the rest would be one without the loss as well. */
  readonly isGenuine: (diagnostic: Diagnostic) => boolean;
}

/** Each round removes at least one value, and what a removal makes incomplete is found in the next one. */
const MOST_ROUNDS = 10;

/** Takes away what the schema refuses, so that mistakes of meaning in the rest can be told at once with the others. */
export function salvage(
  tree: MapTree,
  textOf: (diagnostic: Diagnostic) => string | undefined,
): Salvage | undefined {
  let rest = tree;
  const removed: TreePath[] = [];
  for (let round = 0; round < MOST_ROUNDS; round++) {
    if (validate(toPlain(rest))) return { tree: rest, isGenuine: judge(tree, removed, textOf) };
    const paths = (validate.errors ?? []).filter(isNoBranch).map(refusedPath);
    for (const path of paths) {
      if (path.length === 0) return undefined;
      rest = without(rest, path);
      removed.push(path);
    }
  }
  return undefined;
}

/** A `oneOf` is refused as a whole: which branch was meant is not known. */
function isNoBranch(error: SchemaError): boolean {
  return !/\/oneOf\/\d+\//.test(error.schemaPath);
}

function refusedPath({ instancePath, keyword, params, propertyName }: SchemaError): TreePath {
  const path = pointerSteps(instancePath);
  if (propertyName !== undefined) return [...path, propertyName];
  const key = keyword === 'additionalProperties' ? params['additionalProperty'] : undefined;
  return typeof key === 'string' ? [...path, key] : path;
}

function without(tree: MapTree, path: TreePath): MapTree {
  const result = withoutAt(tree, path);
  return result?.kind === 'map' ? result : tree;
}

function withoutAt(tree: Tree, [step, ...rest]: TreePath): Tree | undefined {
  if (step === undefined) return undefined;
  if (tree.kind === 'map') {
    const entry = tree.entries.get(String(step));
    if (!entry) return tree;
    const entries = new Map(tree.entries);
    const value = withoutAt(entry.value, rest);
    if (value) entries.set(String(step), { ...entry, value });
    else entries.delete(String(step));
    return { ...tree, entries };
  }
  if (tree.kind !== 'sequence') return tree;
  // A list without one of its items would have other numbers in it: it goes as a whole.
  const item = tree.items[Number(step)];
  const value = item && withoutAt(item, rest);
  return value && { ...tree, items: tree.items.map((each) => (each === item ? value : each)) };
}

/**
 * In a machine, disk or network that lost something, a text that cannot mean anything by itself is a mistake for sure,
 * and an unknown name, unless the name itself was lost; elsewhere every mistake is.
 */
function judge(
  tree: MapTree,
  removed: readonly TreePath[],
  textOf: (diagnostic: Diagnostic) => string | undefined,
): Salvage['isGenuine'] {
  const lostSection = removed.some((path) => path.length === 1);
  const lostNames = new Set(removed.filter((path) => path.length === 2).map(([, name]) => String(name)));
  const touched = new Map(removed.flatMap((path) => placesOf(tree, path.slice(0, 2))));
  return (diagnostic) => {
    const { severity, code, span } = diagnostic;
    if (severity !== 'error' || !span) return false;
    if (code === 'unknown-reference') {
      const name = textOf(diagnostic)?.replaceAll(/^["']|["']$/g, '');
      return !lostSection && name !== undefined && !lostNames.has(name);
    }
    const kind = touched.get(placeOf(span));
    return kind === undefined || (code === 'invalid-value' && kind === 'scalar');
  };
}

/** Where a value, its key and everything in it begin, and what is there. */
function placesOf(tree: Tree, path: TreePath): [place: string, kind: Tree['kind'] | 'key'][] {
  const parent = treeAt(tree, path.slice(0, -1));
  const key = parent?.kind === 'map' ? parent.entries.get(String(path.at(-1))) : undefined;
  const places: [string, Tree['kind'] | 'key'][] = key ? [[placeOf(key.keySpan), 'key']] : [];
  const visit = (value: Tree): void => {
    places.push([placeOf(value.span), value.kind]);
    if (value.kind === 'sequence') value.items.forEach(visit);
    if (value.kind !== 'map') return;
    for (const entry of value.entries.values()) {
      places.push([placeOf(entry.keySpan), 'key']);
      visit(entry.value);
    }
  };
  const value = treeAt(tree, path);
  if (value) visit(value);
  return places;
}

function placeOf({ file, start }: { readonly file: string; readonly start: number }): string {
  return `${file}:${start}`;
}

import type { MapEntry, MapTree, ScalarTree, SequenceTree, Tree } from '../source/tree.ts';

/** An `environment` as a map: list items `NAME=value` become entries, `NAME` alone an entry without value. */
export function environmentMap(tree: Tree): Tree {
  if (tree.kind !== 'sequence') return tree;
  return listAsMap(tree, (item, text) => {
    const equals = text.indexOf('=');
    if (equals < 0) return [text, { ...item, value: null, isString: false }];
    return [text.slice(0, equals), { ...item, value: text.slice(equals + 1) }];
  });
}

/** A list of names as a map from name to nothing. */
export function nameMap(tree: Tree): Tree {
  if (tree.kind !== 'sequence') return tree;
  return listAsMap(tree, (item, text) => [text, { ...item, value: null, isString: false }]);
}

/** A `depends_on` as a map; a plain name waits for the start. */
export function dependencyMap(tree: Tree): Tree {
  if (tree.kind !== 'sequence') return tree;
  return listAsMap(tree, (item, text) => {
    const condition = { keySpan: item.span, value: { ...item, value: 'started' } };
    return [text, { kind: 'map', span: item.span, entries: new Map([['condition', condition]]) }];
  });
}

/** One value as a list of one. */
export function asList(tree: Tree): Tree {
  if (tree.kind === 'sequence' || isNull(tree)) return tree;
  const { tag, ...item } = tree;
  return { kind: 'sequence', span: tree.span, items: [item], ...(tag ? { tag } : {}) };
}

/** A text as the long form's map with that text under `key`. */
export function longForm(tree: Tree, key: string): Tree {
  if (tree.kind !== 'scalar' || tree.value === null) return tree;
  const { tag, ...value } = tree;
  const entries = new Map<string, MapEntry>([[key, { keySpan: tree.span, value }]]);
  return { kind: 'map', span: tree.span, entries, ...(tag ? { tag } : {}) };
}

/** A value that is there but empty: `key:` or `key: null`. */
export function isNull(tree: Tree): boolean {
  return tree.kind === 'scalar' && tree.value === null;
}

/** Text of a scalar as it was written, unless it holds nothing. */
export function scalarText(tree: Tree | undefined): string | undefined {
  if (tree?.kind !== 'scalar' || tree.value === null) return undefined;
  return typeof tree.value === 'string' ? tree.value : (tree.source ?? String(tree.value));
}

/** The value of a key, where the tree is a map that has it. */
export function child(tree: Tree | undefined, key: string): Tree | undefined {
  return tree?.kind === 'map' ? tree.entries.get(key)?.value : undefined;
}

/** A map with one value replaced; the key stays where it was written. */
export function withChild(map: MapTree, key: string, value: Tree): MapTree {
  const entries = new Map(map.entries);
  entries.set(key, { keySpan: map.entries.get(key)?.keySpan ?? value.span, value });
  return { ...map, entries };
}

/** A map without a key. */
export function withoutChild(map: MapTree, key: string): MapTree {
  const entries = new Map(map.entries);
  entries.delete(key);
  return { ...map, entries };
}

/** A map whose values have been through a function. */
export function mapValues(map: MapTree, change: (value: Tree, key: string) => Tree): MapTree {
  const entries = new Map<string, MapEntry>();
  for (const [key, entry] of map.entries) entries.set(key, { ...entry, value: change(entry.value, key) });
  return { ...map, entries };
}

/** Left as it is where an item is not text: the schema then says what is wrong with it. */
function listAsMap(
  tree: SequenceTree,
  entryOf: (item: ScalarTree, text: string) => readonly [key: string, value: Tree],
): Tree {
  const entries = new Map<string, MapEntry>();
  for (const item of tree.items) {
    if (item.kind !== 'scalar' || typeof item.value !== 'string' || item.tag) return tree;
    const [key, value] = entryOf(item, item.value);
    entries.set(key, { keySpan: item.span, value });
  }
  return { kind: 'map', span: tree.span, entries, ...(tree.tag ? { tag: tree.tag } : {}) };
}

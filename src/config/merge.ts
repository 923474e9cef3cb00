import type { MapEntry, MapTree, SequenceTree, Tree, TreePath } from '../source/tree.ts';
import {
  asList,
  child,
  dependencyMap,
  environmentMap,
  isNull,
  longForm,
  nameMap,
  scalarText,
  withoutChild,
} from './normalize.ts';

/**
 * Lays a later file over an earlier one by compose's rules: maps merge, lists are appended, everything else is
 * replaced, and the table below names the exceptions. `!override` replaces, `!reset` removes; both tags stay on the
 * result, because a machine that extends another may meet an earlier file only later (`withoutMergeTags` ends it).
 */
export function mergeTrees(earlier: Tree, later: Tree, path: TreePath = []): Tree {
  if (later.tag) return replaced(earlier, later);
  if (earlier.tag === 'reset') return later;
  const rule = rules.find(({ pattern }) => matches(pattern, path));
  if (rule) return rule.merge(earlier, later, path);
  return mergePlain(earlier, later, path);
}

/** Drops what `!reset` names and the tags themselves. */
export function withoutMergeTags(tree: Tree): Tree {
  const { tag: _tag, ...untagged } = tree;
  if (untagged.kind === 'map') {
    const entries = new Map<string, MapEntry>();
    for (const [key, entry] of untagged.entries) {
      if (entry.value.tag !== 'reset') entries.set(key, { ...entry, value: withoutMergeTags(entry.value) });
    }
    return { ...untagged, entries };
  }
  if (untagged.kind === 'sequence') {
    return {
      ...untagged,
      items: untagged.items.filter((item) => item.tag !== 'reset').map(withoutMergeTags),
    };
  }
  return untagged;
}

type Merge = (earlier: Tree, later: Tree, path: TreePath) => Tree;

interface Rule {
  /** Keys from the root; `*` is any name. */
  readonly pattern: string;
  readonly merge: Merge;
}

const MACHINE = 'machines.*';

const rules: readonly Rule[] = [
  { pattern: `${MACHINE}.command`, merge: replaced },
  { pattern: `${MACHINE}.entrypoint`, merge: replaced },
  { pattern: `${MACHINE}.stop_command`, merge: replaced },
  { pattern: `${MACHINE}.healthcheck.test`, merge: replaced },
  { pattern: `${MACHINE}.healthcheck`, merge: mergeHealthcheck },
  { pattern: `${MACHINE}.build.command`, merge: replaced },
  { pattern: `${MACHINE}.restart`, merge: replaced },
  { pattern: `${MACHINE}.root`, merge: mergeAlternatives('path', ['path', 'disk', 'image']) },
  { pattern: `${MACHINE}.root.disk`, merge: mergeAlternatives('source', ['source']) },
  { pattern: `${MACHINE}.boot`, merge: mergeAlternatives('kernel', ['firmware', 'kernel']) },
  { pattern: 'secrets.*', merge: mergeAlternatives('file', ['file', 'environment', 'content']) },
  { pattern: 'configs.*', merge: mergeAlternatives('file', ['file', 'environment', 'content']) },
  { pattern: `${MACHINE}.environment`, merge: mergeNormalized(environmentMap) },
  { pattern: `${MACHINE}.build.environment`, merge: mergeNormalized(environmentMap) },
  { pattern: `${MACHINE}.build.inputs`, merge: appendNew(scalarText, asList) },
  { pattern: `${MACHINE}.depends_on`, merge: mergeNormalized(dependencyMap) },
  { pattern: `${MACHINE}.networks`, merge: mergeNormalized(nameMap) },
  { pattern: `${MACHINE}.env_file`, merge: appendNew(envFileKey, asList) },
  { pattern: `${MACHINE}.profiles`, merge: appendNew(scalarText) },
  { pattern: `${MACHINE}.ports`, merge: appendNew(portKey) },
  { pattern: `${MACHINE}.shares`, merge: appendNew(shareKey) },
  {
    pattern: `${MACHINE}.disks`,
    merge: appendNew((item) => scalarText(item) ?? scalarText(child(item, 'source'))),
  },
  { pattern: `${MACHINE}.vsock`, merge: appendNew((item) => scalarText(child(item, 'port'))) },
  { pattern: `${MACHINE}.console.ports`, merge: appendNew((item) => scalarText(child(item, 'name'))) },
  { pattern: `${MACHINE}.secrets`, merge: appendNew(grantKey('/run/secrets')) },
  { pattern: `${MACHINE}.configs`, merge: appendNew(grantKey('')) },
];

function matches(pattern: string, path: TreePath): boolean {
  const steps = pattern.split('.');
  return steps.length === path.length && steps.every((step, index) => step === '*' || step === path[index]);
}

function mergePlain(earlier: Tree, later: Tree, path: TreePath): Tree {
  if (earlier.kind === 'map' && later.kind === 'map') return mergeMaps(earlier, later, path);
  if (earlier.kind === 'sequence' && later.kind === 'sequence') {
    return { ...later, items: [...earlier.items, ...later.items], replaced: earlier };
  }
  // `key:` without a value says nothing about the map or list that an earlier file wrote.
  if (earlier.kind !== 'scalar' && isNull(later)) return earlier;
  return replaced(earlier, later);
}

function mergeMaps(earlier: MapTree, later: MapTree, path: TreePath): MapTree {
  const entries = new Map(earlier.entries);
  for (const [key, entry] of later.entries) {
    const before = entries.get(key);
    if (!before) {
      entries.set(key, entry);
      continue;
    }
    const value = mergeTrees(before.value, entry.value, [...path, key]);
    // A map is where it was begun; anything else is where it was last set.
    const isContinued = value.kind === 'map' && !entry.value.tag;
    entries.set(key, { keySpan: (isContinued ? before : entry).keySpan, value });
  }
  return { ...earlier, entries };
}

function replaced(earlier: Tree, later: Tree): Tree {
  return { ...later, replaced: earlier };
}

function mergeNormalized(normalize: (tree: Tree) => Tree): Merge {
  return (earlier, later, path) => mergePlain(normalize(earlier), normalize(later), path);
}

/** For a map of which some keys exclude each other: a later choice drops the earlier one and what belonged to it. */
function mergeAlternatives(shortKey: string, choices: readonly string[]): Merge {
  return (earlier, later, path) => {
    const before = longForm(earlier, shortKey);
    const after = longForm(later, shortKey);
    const chosen = choices.find((choice) => child(after, choice));
    const isOtherChoice = chosen !== undefined && !child(before, chosen);
    return isOtherChoice ? replaced(earlier, later) : mergePlain(before, after, path);
  };
}

const PROBES = ['test', 'http', 'tcp', 'log'];

/** A later probe takes the place of an earlier one of another kind; how often it is asked stays. */
function mergeHealthcheck(earlier: Tree, later: Tree, path: TreePath): Tree {
  const hasProbe = PROBES.some((probe) => child(later, probe) !== undefined);
  if (earlier.kind !== 'map' || !hasProbe) return mergePlain(earlier, later, path);
  const kept = PROBES.filter((probe) => child(later, probe) === undefined).reduce(withoutChild, earlier);
  return mergePlain(kept, later, path);
}

/** Appends lists; an item with the key of an earlier one takes its place. */
function appendNew(keyOf: (item: Tree) => string | undefined, normalize = (tree: Tree): Tree => tree): Merge {
  return (earlierTree, laterTree, path) => {
    const earlier = normalize(earlierTree);
    const later = normalize(laterTree);
    if (earlier.kind !== 'sequence' || later.kind !== 'sequence') return mergePlain(earlier, later, path);
    return mergeLists(earlier, later, keyOf);
  };
}

function mergeLists(
  earlier: SequenceTree,
  later: SequenceTree,
  keyOf: (item: Tree) => string | undefined,
): SequenceTree {
  const items = [...earlier.items];
  const places = new Map<string, number>();
  for (const [index, item] of items.entries()) {
    const key = keyOf(item);
    if (key !== undefined && !places.has(key)) places.set(key, index);
  }
  for (const item of later.items) {
    const key = keyOf(item);
    const place = key === undefined ? undefined : places.get(key);
    const before = place === undefined ? undefined : items[place];
    if (place === undefined || before === undefined) items.push(item);
    else items[place] = replaced(before, item);
  }
  return { ...later, items, replaced: earlier };
}

function envFileKey(item: Tree): string | undefined {
  return scalarText(item) ?? scalarText(child(item, 'path'));
}

/** Two files of a machine cannot have one target; `directory` is where it is when left out. */
function grantKey(directory: string): (item: Tree) => string | undefined {
  return (item) => {
    const target = scalarText(child(item, 'target'));
    const path = target ?? scalarText(item) ?? scalarText(child(item, 'source'));
    const isWhole = path === undefined || path.startsWith('/');
    return isWhole ? path : `${directory}/${path}`;
  };
}

/** Two shares cannot have one target. */
function shareKey(item: Tree): string | undefined {
  const text = scalarText(item);
  if (text !== undefined) return text.split(':')[1];
  return scalarText(child(item, 'target'));
}

/** Address, host port, guest port and protocol, whichever form they are written in. */
function portKey(item: Tree): string | undefined {
  const text = scalarText(item);
  if (text === undefined) {
    const field = (name: string): string => scalarText(child(item, name)) ?? '';
    const host = field('host') || field('socket') || 'auto';
    return [field('host_ip'), host, field('guest'), field('protocol') || 'tcp'].join('|');
  }
  const [ports = '', protocol = 'tcp'] = text.split('/');
  const parts = /^(?:\[([^\]]*)\]:|(\d+(?:\.\d+)+):)?(?:([^:]*):)?([^:]*)$/.exec(ports);
  if (!parts) return undefined;
  const [, bracketed, plain, host, guest] = parts;
  return [bracketed ?? plain, host || 'auto', guest, protocol.toLowerCase()].join('|');
}

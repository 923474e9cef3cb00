import type { MapEntry, MapTree, ScalarTree, Tree } from '../source/tree.ts';
import { absolutePath } from './read.ts';

/**
 * Makes the paths of a file absolute that does not lie in the project directory (`include`, `extends`), so that they
 * mean the same wherever the tree ends up.
 */
export function rebasePaths(tree: MapTree, directory: string): MapTree {
  const rebased = rewritePaths(tree, (text) => absolutePath(directory, text));
  const build = (value: Tree): Tree => withBuildDirectory(value, directory);
  return asMap(rewriteAt(rebased, ['machines', '*', 'build'], build), rebased);
}

/** Puts the home directory in the place of a leading `~`. */
export function expandHome(tree: MapTree, home: string): MapTree {
  return rewritePaths(tree, (text) => text.replace(/^~(?=\/|$)/, () => home));
}

/** Changes every path of the host that a file names. */
function rewritePaths(tree: MapTree, change: Change): MapTree {
  let result: Tree = tree;
  for (const { pattern, rewrite } of rules) {
    result = rewriteAt(result, pattern.split('.'), (value) => rewrite(value, change));
  }
  return asMap(result, tree);
}

type Change = (text: string) => string;

function asMap(tree: Tree, otherwise: MapTree): MapTree {
  return tree.kind === 'map' ? tree : otherwise;
}

interface Rule {
  /** Keys from the root; `*` is any key of a map, `[]` any item of a list. */
  readonly pattern: string;
  readonly rewrite: (value: Tree, change: Change) => Tree;
}

const MACHINE = 'machines.*';

const rules: readonly Rule[] = [
  ...paths(rewriteNameOrPath, [
    'libkrun.library',
    'libkrun.kernel_bundle',
    `${MACHINE}.root.disk`,
    `${MACHINE}.root.disk.source`,
    `${MACHINE}.disks.[]`,
    `${MACHINE}.disks.[].source`,
    `${MACHINE}.input.[]`,
  ]),
  ...paths(rewritePath, [
    'include.[]',
    'include.[].path',
    'include.[].path.[]',
    'include.[].project_directory',
    'include.[].env_file',
    'include.[].env_file.[]',
    `${MACHINE}.extends.file`,
    `${MACHINE}.root`,
    `${MACHINE}.root.path`,
    `${MACHINE}.boot.kernel`,
    `${MACHINE}.boot.initrd`,
    `${MACHINE}.boot.init`,
    `${MACHINE}.root.overlay.files.[].source`,
    `${MACHINE}.env_file`,
    `${MACHINE}.env_file.path`,
    `${MACHINE}.env_file.[]`,
    `${MACHINE}.env_file.[].path`,
    `${MACHINE}.shares.[].source`,
    `${MACHINE}.vsock.[].socket`,
    `${MACHINE}.console.log`,
    `${MACHINE}.console.ports.[].socket`,
    `${MACHINE}.console.ports.[].tty`,
    `${MACHINE}.serial.log`,
    `${MACHINE}.serial.input`,
    `${MACHINE}.tee.config`,
    `${MACHINE}.develop.watch.[].path`,
    `${MACHINE}.display.[].edid`,
    `${MACHINE}.input.[].device`,
    'secrets.*.file',
    'configs.*.file',
    `${MACHINE}.ports.[].socket`,
    'networks.*.socket',
    'helpers.*',
  ]),
  {
    pattern: `${MACHINE}.boot.firmware`,
    rewrite: (value, change) => (isText(value, 'efi') ? value : rewritePath(value, change)),
  },
  { pattern: `${MACHINE}.shares.[]`, rewrite: rewriteShare },
  ...paths(rewritePath, [
    `${MACHINE}.build.inputs`,
    `${MACHINE}.build.inputs.[]`,
    `${MACHINE}.build.directory`,
  ]),
];

function paths(rewrite: Rule['rewrite'], patterns: readonly string[]): Rule[] {
  return patterns.map((pattern) => ({ pattern, rewrite }));
}

/** The tree with the values at a path rewritten; `*` is any key of a map, `[]` any item of a list. */
export function rewriteAt(tree: Tree, steps: readonly string[], rewrite: (value: Tree) => Tree): Tree {
  const [step, ...rest] = steps;
  if (step === undefined) return rewrite(tree);
  if (step === '[]') {
    if (tree.kind !== 'sequence') return tree;
    return { ...tree, items: tree.items.map((item) => rewriteAt(item, rest, rewrite)) };
  }
  if (tree.kind !== 'map') return tree;
  if (step !== '*' && !tree.entries.has(step)) return tree;
  const entries = new Map<string, MapEntry>();
  for (const [key, entry] of tree.entries) {
    const isMeant = step === '*' || step === key;
    entries.set(key, isMeant ? { ...entry, value: rewriteAt(entry.value, rest, rewrite) } : entry);
  }
  return { ...tree, entries };
}

function rewritePath(value: Tree, change: Change): Tree {
  if (value.kind !== 'scalar' || typeof value.value !== 'string' || value.value === '') return value;
  return { ...value, value: change(value.value) };
}

/** A name without `/` is that of a disk or library, not of a file. */
function rewriteNameOrPath(value: Tree, change: Change): Tree {
  const isPath = value.kind === 'scalar' && typeof value.value === 'string' && value.value.includes('/');
  return isPath ? rewritePath(value, change) : value;
}

/** `SOURCE:TARGET[:ro|rw]`. */
function rewriteShare(value: Tree, change: Change): Tree {
  if (value.kind !== 'scalar' || typeof value.value !== 'string') return value;
  const match = /^([^:]+):(\/[^:]*)(?::(ro|rw))?$/s.exec(value.value);
  if (!match) return value;
  const [, source = '', target = '', mode] = match;
  const changed = change(source);
  if (!changed.includes(':')) {
    return { ...value, value: [changed, target, ...(mode === undefined ? [] : [mode])].join(':') };
  }
  // The short form cannot hold a path with a colon.
  const entries = new Map<string, MapEntry>([
    ['source', entryOf(value, changed)],
    ['target', entryOf(value, target)],
    ['readonly', entryOf(value, mode === 'ro')],
  ]);
  return { kind: 'map', span: value.span, entries };
}

/** A build command without `directory` runs where its file is. */
function withBuildDirectory(build: Tree, directory: string): Tree {
  if (build.kind !== 'map' || build.entries.has('directory')) return build;
  const value: ScalarTree = { kind: 'scalar', span: build.span, value: directory, isString: true };
  return { ...build, entries: new Map(build.entries).set('directory', { keySpan: build.span, value }) };
}

function entryOf(origin: ScalarTree, value: string | boolean): MapEntry {
  return { keySpan: origin.span, value: { ...origin, value, isString: typeof value === 'string' } };
}

function isText(tree: Tree, text: string): boolean {
  return tree.kind === 'scalar' && tree.value === text;
}

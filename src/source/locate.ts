import type { Span } from '../base/diagnostic.ts';
import type { Tree, TreePath } from './tree.ts';

/** The value at a path, if the text has one. */
export function treeAt(tree: Tree, path: TreePath): Tree | undefined {
  let node: Tree | undefined = tree;
  for (const step of path) {
    if (node?.kind === 'map') node = node.entries.get(String(step))?.value;
    else if (node?.kind === 'sequence') node = node.items[Number(step)];
    else return undefined;
  }
  return node;
}

/** Where the value at a path is written; the nearest parent that is written at all otherwise. */
export function valueSpan(tree: Tree, path: TreePath): Span {
  for (let length = path.length; length > 0; length--) {
    const node = treeAt(tree, path.slice(0, length));
    if (node) return node.span;
  }
  return tree.span;
}

/** Where the last key of a path is written; for an item of a sequence, where the item is. */
export function keySpan(tree: Tree, path: TreePath): Span {
  const parent = treeAt(tree, path.slice(0, -1));
  const last = path.at(-1);
  if (parent?.kind === 'map' && last !== undefined) {
    const entry = parent.entries.get(String(last));
    if (entry) return entry.keySpan;
  }
  return valueSpan(tree, path);
}

/** Plain JSON-like value of a tree. */
export function toPlain(tree: Tree): unknown {
  switch (tree.kind) {
    case 'map': {
      const result: Record<string, unknown> = {};
      for (const [key, entry] of tree.entries) {
        // defineProperty: a key named __proto__ is data here.
        Object.defineProperty(result, key, {
          value: toPlain(entry.value),
          enumerable: true,
          writable: true,
          configurable: true,
        });
      }
      return result;
    }
    case 'sequence':
      return tree.items.map(toPlain);
    case 'scalar':
      return tree.value;
  }
}

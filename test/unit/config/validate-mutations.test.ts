import { expect, test } from 'vitest';
import { unsupportedKeys } from '../../../src/config/unsupported.ts';
import { validate } from '../../../src/config/validate.gen.js';
import { validateTree } from '../../../src/config/validate.ts';
import { parseYaml } from '../../../src/source/parse.ts';
import type { Tree } from '../../../src/source/tree.ts';
import { EVERYTHING_ELSE, EVERYTHING_THAT_WORKS } from './support/grammar.ts';

function treeOf(text: string): Tree {
  const { tree } = parseYaml({ path: '/krun.yaml', text });
  if (!tree) throw new Error(`not a tree: ${text}`);
  return tree;
}

/** One value of each kind, and those that are easily forgotten. */
const REPLACEMENTS = [
  'null',
  'true',
  '5',
  '-1',
  '1.5',
  '.nan',
  '1e400',
  '123456789012345678901234567890',
  '""',
  'word',
  '"7"',
  '[]',
  '[word]',
  '[null]',
  '[{ x: 1 }]',
  '{}',
  '{ x: 1 }',
  '{ "": 1 }',
  '{ x-note: 1 }',
].map(treeOf);

/** Every tree that differs from this one in a single value, which is replaced, or in a key that is left out. */
function* mutations(tree: Tree): Generator<Tree> {
  yield* REPLACEMENTS;
  if (tree.kind === 'sequence') {
    for (const [index, item] of tree.items.entries()) {
      for (const changed of mutations(item)) yield { ...tree, items: tree.items.with(index, changed) };
    }
  }
  if (tree.kind === 'map') {
    for (const [key, entry] of tree.entries) {
      yield { ...tree, entries: new Map([...tree.entries].filter(([other]) => other !== key)) };
      for (const value of mutations(entry.value)) {
        yield { ...tree, entries: new Map(tree.entries).set(key, { ...entry, value }) };
      }
    }
  }
}

test.each([
  ['that works', EVERYTHING_THAT_WORKS],
  ['that does not work yet', EVERYTHING_ELSE],
])('whatever is changed in the grammar %s, what the schema refuses is told in words', (_which, text) => {
  let refused = 0;
  for (const tree of mutations(treeOf(text))) {
    const diagnostics = validateTree(tree);
    // What the generated validator left behind, whatever the messages made of it.
    const isValid = !validate.errors;
    if (!isValid) refused++;
    expect(diagnostics.length === 0).toBe(isValid);
    for (const { message, hint } of diagnostics) {
      expect(`${message}\n${hint}`).not.toMatch(/\[object|NaN|Infinity|JSON|array|\bnull\b|instance|schema/);
    }
    unsupportedKeys(tree);
  }
  expect(refused).toBeGreaterThan(1000);
});

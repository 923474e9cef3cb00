import type { MapTree, ScalarTree, Tree } from '../source/tree.ts';
import { mapValues } from './normalize.ts';
import type { Variables } from './variables.ts';

/** What stands in the place of a secret. */
export const REDACTED = '***';

const SECRET_NAME = /PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|CREDENTIAL|KEYS?(_|$)/i;

/** Whether the name of a variable says that its value is not for everybody's eyes. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/**
 * The tree without secrets: `environment` values under secret-looking names, the content of `secrets`, and whatever a
 * secret-looking variable put into a text.
 */
export function redactTree(tree: MapTree, variables: Variables): MapTree {
  const visit = (node: Tree, path: readonly string[]): Tree => {
    if (node.kind === 'map') return mapValues(node, (value, key) => visit(value, [...path, key]));
    if (node.kind === 'sequence')
      return { ...node, items: node.items.map((item) => visit(item, [...path, '[]'])) };
    return isSecretPlace(path) ? hidden(node) : withoutSecretVariables(node, variables);
  };
  return mapValues(tree, (value, key) => visit(value, [key]));
}

/** A scalar at a path without what is secret about it. */
export function redactScalar(node: ScalarTree, path: readonly string[], variables: Variables): ScalarTree {
  return isSecretPlace(path) ? hidden(node) : withoutSecretVariables(node, variables);
}

function isSecretPlace(path: readonly string[]): boolean {
  const name = path.at(-1) ?? '';
  if (path.at(-2) === 'environment') return isSecretName(name);
  return path.length === 3 && path[0] === 'secrets' && name === 'content';
}

function hidden(node: ScalarTree): ScalarTree {
  return node.value === null || node.value === '' ? node : { ...node, value: REDACTED, isString: true };
}

function withoutSecretVariables(node: ScalarTree, variables: Variables): ScalarTree {
  if (typeof node.value !== 'string') return node;
  let text = node.value;
  for (const name of node.variables ?? []) {
    const value = isSecretName(name) ? variables.get(name)?.value : undefined;
    if (value) text = text.replaceAll(value, REDACTED);
  }
  return text === node.value ? node : { ...node, value: text };
}

import type { MapTree, ScalarTree, Tree } from '../source/tree.ts';
import { mapValues } from './normalize.ts';

/** What stands in the place of a secret. */
export const REDACTED = '***';

const SECRET_NAME = /PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|CREDENTIAL|KEYS?(_|$)|(^|_)(PASS|PWD|AUTH)$/i;

/** `scheme://user:` and the password behind it, up to the `@`. */
const URL_PASSWORD = /(\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@]*:)[^\s/@]+@/gi;

/** Whether the name of a variable says that its value is not for everybody's eyes. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/**
 * The tree without secrets: `environment` values under secret-looking names, the content of `secrets` and `configs`, passwords
 * in URLs, and whatever a secret-looking variable put into a text.
 */
export function redactTree(tree: MapTree): MapTree {
  const visit = (node: Tree, path: readonly string[]): Tree => {
    if (node.kind === 'map') return mapValues(node, (value, key) => visit(value, [...path, key]));
    if (node.kind === 'sequence')
      return { ...node, items: node.items.map((item) => visit(item, [...path, '[]'])) };
    return isSecretPlace(path) ? hidden(node) : withoutSecretVariables(node);
  };
  return mapValues(tree, (value, key) => visit(value, [key]));
}

/** A scalar at a path without what is secret about it. */
export function redactScalar(node: ScalarTree, path: readonly string[]): ScalarTree {
  return isSecretPlace(path) ? hidden(node) : withoutSecretVariables(node);
}

function isSecretPlace(path: readonly string[]): boolean {
  const name = path.at(-1) ?? '';
  if (path.at(-2) === 'environment') return isSecretName(name);
  return path.length === 3 && (path[0] === 'secrets' || path[0] === 'configs') && name === 'content';
}

function hidden(node: ScalarTree): ScalarTree {
  return node.value === null || node.value === '' ? node : { ...node, value: REDACTED, isString: true };
}

function withoutSecretVariables(node: ScalarTree): ScalarTree {
  if (typeof node.value !== 'string') return node;
  const text = withoutSecrets(node.value, secretVariables(node));
  return text === node.value ? node : { ...node, value: text };
}

function withoutSecrets(text: string, secrets: Iterable<string>): string {
  let shown = text;
  // One may be the beginning of another.
  for (const secret of [...secrets].toSorted((a, b) => b.length - a.length))
    shown = shown.replaceAll(secret, REDACTED);
  return shown.replaceAll(URL_PASSWORD, `$1${REDACTED}@`);
}

function secretVariables(node: ScalarTree): string[] {
  return (node.variables ?? []).flatMap(({ name, value }) => (value && isSecretName(name) ? [value] : []));
}

/** What secret-looking variables put into the texts of a tree. */
export function secretsOf(tree: Tree): ReadonlySet<string> {
  const found = new Set<string>();
  const visit = (node: Tree): void => {
    if (node.kind === 'map') for (const { value } of node.entries.values()) visit(value);
    else if (node.kind === 'sequence') node.items.forEach(visit);
    else for (const secret of secretVariables(node)) found.add(secret);
  };
  visit(tree);
  return found;
}

/** A value that no longer knows where it is from, without values of secret-looking variables and without `secrets`. */
export function redactPlain(value: unknown, secrets: ReadonlySet<string>, isEnvironment = false): unknown {
  if (typeof value === 'string') return withoutSecrets(value, secrets);
  if (Array.isArray(value)) return value.map((item) => redactPlain(item, secrets));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]: [string, unknown]) =>
      isEnvironment && inner !== '' && isSecretName(key)
        ? [key, REDACTED]
        : [key, redactPlain(inner, secrets, key === 'environment')],
    ),
  );
}

import { errorDiagnostic, type Diagnostic, type Span } from '../base/diagnostic.ts';
import { err, ok, type Result } from '../base/result.ts';
import { nearest } from '../base/text.ts';
import { toPlain } from '../source/locate.ts';
import type { MapTree, Tree, UsedVariable } from '../source/tree.ts';
import { isSecretName, REDACTED, redactScalar, redactTree } from './redact.ts';

/** Where a value of the configuration is from. */
export interface Explanation {
  /** Keys as the file has them: `machines.web.ports[0]`. */
  readonly path: string;
  /** Without secrets. */
  readonly value: unknown;
  readonly span: Span;
  readonly variables: readonly UsedVariable[];
  /** What earlier files and extended machines said, the latest first. */
  readonly replaced: readonly { readonly value: unknown; readonly span: Span }[];
}

/** Explains the value at a path such as `machines.web.memory` or `machines.web.ports[0]`. */
export function explain(tree: MapTree, path: string): Result<Explanation, Diagnostic> {
  let found: Found = { tree, span: tree.span, steps: [] };
  let rest = path;
  while (rest !== '') {
    const next = step(found, rest);
    if (!next) return err(notThere(found, rest));
    found = next.found;
    rest = next.rest;
  }
  return ok({
    path: shownSteps(found.steps),
    value: plainWithoutSecrets(found.tree, found.steps),
    span: found.span,
    variables: variablesOf(found.tree),
    replaced: replacedBy(found.tree).map((earlier) => ({
      value: plainWithoutSecrets(earlier, found.steps),
      span: earlier.span,
    })),
  });
}

interface Found {
  readonly tree: Tree;
  readonly span: Span;
  readonly steps: readonly (string | number)[];
}

/** One step down; keys may hold dots, so the longest one that fits is meant. */
function step({ tree, steps }: Found, rest: string): { found: Found; rest: string } | undefined {
  if (tree.kind === 'sequence') {
    const [written, digits] = /^\.?\[?(\d+)\]?/.exec(rest) ?? [];
    const item = tree.items[Number(digits)];
    if (written === undefined || !item) return undefined;
    return {
      found: { tree: item, span: item.span, steps: [...steps, Number(digits)] },
      rest: rest.slice(written.length).replace(/^\./, ''),
    };
  }
  if (tree.kind !== 'map') return undefined;
  const fits = [...tree.entries.keys()].filter(
    (key) => rest === key || (/^[.[]/.test(rest.slice(key.length)) && rest.startsWith(key)),
  );
  const key = fits.toSorted((a, b) => b.length - a.length)[0];
  const entry = key === undefined ? undefined : tree.entries.get(key);
  if (key === undefined || !entry) return undefined;
  // A map is where its key is; a single value is where the value is.
  const span = entry.value.kind === 'scalar' ? entry.value.span : entry.keySpan;
  return {
    found: { tree: entry.value, span, steps: [...steps, key] },
    rest: rest.slice(key.length).replace(/^\./, ''),
  };
}

function notThere({ tree, steps }: Found, rest: string): Diagnostic {
  const wanted = rest.replace(/^\./, '');
  const at = steps.length === 0 ? 'the configuration' : `\`${shownSteps(steps)}\``;
  if (tree.kind === 'scalar')
    return errorDiagnostic('usage', `${at} is a single value; it has no \`${wanted}\``);
  if (tree.kind === 'sequence') {
    return errorDiagnostic('usage', `${at} is a list of ${tree.items.length}; it has no \`${wanted}\``, {
      hint: 'items are numbered from [0]',
    });
  }
  const [name = ''] = wanted.split(/[.[]/);
  const near = nearest(name, tree.entries.keys());
  const keys = [...tree.entries.keys()].join(', ');
  return errorDiagnostic('usage', `no file sets \`${name}\` in ${at}`, {
    hint:
      near === undefined
        ? `files set ${keys || 'nothing'} there; for the rest, \`krun config --resolved\` shows the defaults`
        : `did you mean \`${near}\`?`,
  });
}

function variablesOf(tree: Tree): UsedVariable[] {
  if (tree.kind !== 'scalar') return [];
  return (tree.variables ?? []).map((variable) =>
    variable.value !== undefined && isSecretName(variable.name) ? { ...variable, value: REDACTED } : variable,
  );
}

function replacedBy(tree: Tree): Tree[] {
  const earlier: Tree[] = [];
  for (let next = tree.replaced; next; next = next.replaced) earlier.push(next);
  return earlier;
}

function plainWithoutSecrets(tree: Tree, steps: readonly (string | number)[]): unknown {
  const path = steps.map((part) => (typeof part === 'number' ? '[]' : part));
  if (tree.kind === 'scalar') return toPlain(redactScalar(tree, path));
  // Redaction goes by the path from the root: the value is put back where it belongs.
  const wrapped = path.reduceRight<Tree>(
    (value, key) => ({
      kind: 'map',
      span: tree.span,
      entries: new Map([[key, { keySpan: tree.span, value }]]),
    }),
    tree,
  );
  if (wrapped.kind !== 'map') return toPlain(tree);
  let redacted: Tree | undefined = redactTree(wrapped);
  for (const key of path) redacted = redacted?.kind === 'map' ? redacted.entries.get(key)?.value : undefined;
  return redacted && toPlain(redacted);
}

function shownSteps(steps: readonly (string | number)[]): string {
  return steps
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`))
    .join('');
}

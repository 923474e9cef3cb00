import { errorDiagnostic, type Diagnostic } from '../base/diagnostic.ts';
import { keySpan } from '../source/locate.ts';
import type { MapTree, Tree, TreePath } from '../source/tree.ts';
import { UNSUPPORTED_RULES, type UnsupportedRule } from './unsupported-rules.ts';

/** What the schema accepts and this version cannot do yet: refused where it is written, never ignored. */
export function unsupportedKeys(tree: Tree): Diagnostic[] {
  const diagnostics = UNSUPPORTED_RULES.flatMap((rule) =>
    found(tree, undefined, stepsOf(rule.path), [])
      .filter(({ value, parent }) => rule.when?.(value, parent) ?? true)
      .map(({ value, path }) => diagnosticOf(rule, value, tree, path)),
  );
  // A value that an anchor or `extends` carried to several machines is told once.
  return [
    ...new Map(diagnostics.map((diagnostic) => [JSON.stringify(diagnostic), diagnostic])).values(),
  ].toSorted((a, b) => (a.span?.start ?? 0) - (b.span?.start ?? 0));
}

interface Found {
  readonly value: Tree;
  readonly parent: MapTree | undefined;
  readonly path: TreePath;
}

function diagnosticOf(rule: UnsupportedRule, value: Tree, tree: Tree, path: TreePath): Diagnostic {
  // Where only some values are refused, the value is what is wrong.
  const span = rule.only === undefined || value.kind !== 'scalar' ? keySpan(tree, path) : value.span;
  return errorDiagnostic('not-supported-yet', `${rule.what} not supported yet`, {
    span,
    ...(rule.instead !== undefined && { hint: rule.instead }),
  });
}

/** `machines.*.ports[].host` as `machines`, `*`, `ports`, `[]`, `host`. */
function stepsOf(path: string): readonly string[] {
  return path.replaceAll('[]', '.[]').split('.');
}

function found(
  value: Tree,
  parent: MapTree | undefined,
  steps: readonly string[],
  path: TreePath,
): readonly Found[] {
  const [step, ...rest] = steps;
  if (step === undefined) return [{ value, parent, path }];
  if (step === '[]') {
    if (value.kind !== 'sequence') return [];
    return value.items.flatMap((item, index) => found(item, undefined, rest, [...path, index]));
  }
  if (value.kind !== 'map') return [];
  return [...value.entries]
    .filter(([key]) => step === '*' || step === key)
    .flatMap(([key, entry]) => found(entry.value, value, rest, [...path, key]));
}

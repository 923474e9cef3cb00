import { errorDiagnostic, type Diagnostic, type Span } from '../base/diagnostic.ts';
import type { MapEntry, ScalarTree, Tree } from '../source/tree.ts';
import { expandTemplate, type TemplateProblem } from './template.ts';
import { unsetHint, usedVariables, type Variables } from './variables.ts';

/**
 * Fills variables into the strings of a tree; keys stay as they are, and so do `x-` sections at the top and in
 * machines. An unset variable without default is an error. Text that came from a variable stays text.
 */
export function interpolateTree(
  tree: Tree,
  variables: Variables,
  texts: ReadonlyMap<string, string>,
): { tree: Tree; diagnostics: Diagnostic[] } {
  const diagnostics: Diagnostic[] = [];
  // Aliases share values: each is expanded, and complained about, once.
  const done = new Map<Tree, Tree>();

  const visit = (node: Tree, path: readonly string[]): Tree => {
    const known = done.get(node);
    if (known) return known;
    const result = expandNode(node, path);
    done.set(node, result);
    return result;
  };
  const expandNode = (node: Tree, path: readonly string[]): Tree => {
    if (node.kind === 'scalar') return expandScalar(node);
    if (node.kind === 'sequence')
      return { ...node, items: node.items.map((item) => visit(item, [...path, '*'])) };
    const entries = new Map<string, MapEntry>();
    for (const [key, entry] of node.entries) {
      const value = isExtension(path, key) ? entry.value : visit(entry.value, [...path, key]);
      entries.set(key, { ...entry, value });
    }
    return { ...node, entries };
  };
  const expandScalar = (node: ScalarTree): ScalarTree => {
    if (typeof node.value !== 'string' || !node.value.includes('$')) return node;
    const template = node.value;
    const expansion = expandTemplate(template, (name) => variables.get(name)?.value);
    for (const problem of expansion.problems) {
      diagnostics.push(problemDiagnostic(problem, spanInside(node, template, problem, texts), variables));
    }
    const used = usedVariables(expansion.variables, variables);
    return { ...node, value: expansion.text, ...(used.length > 0 && { variables: used }) };
  };
  return { tree: visit(tree, []), diagnostics };
}

/** `x-` sections are the user's; their text may hold any dollar sign. */
function isExtension(path: readonly string[], key: string): boolean {
  return key.startsWith('x-') && (path.length === 0 || (path.length === 2 && path[0] === 'machines'));
}

/** A problem of a template as a diagnostic. */
export function problemDiagnostic(problem: TemplateProblem, span: Span, variables: Variables): Diagnostic {
  if (problem.kind === 'syntax') {
    const hint = problem.hint === undefined ? {} : { hint: problem.hint };
    return errorDiagnostic('interpolation', problem.message, { span, ...hint });
  }
  const hint = problem.kind === 'unset' ? { hint: unsetHint(problem.name ?? '', variables) } : {};
  return errorDiagnostic('unset-variable', problem.message, { span, ...hint });
}

/** The expression itself where the text shows it as it is; the whole scalar otherwise. */
function spanInside(
  node: ScalarTree,
  template: string,
  problem: TemplateProblem,
  texts: ReadonlyMap<string, string>,
): Span {
  const { span } = node;
  const written = texts.get(span.file)?.slice(span.start, span.end);
  if (written === undefined) return span;
  const inside = (offset: number): Span => ({
    file: span.file,
    start: span.start + offset,
    end: span.start + offset + problem.end - problem.start,
  });
  if (written === template) return inside(problem.start);
  const isQuoted = /^["']/.test(written);
  if (isQuoted && written.slice(1, -1) === template) return inside(problem.start + 1);
  const expression = template.slice(problem.start, problem.end);
  const first = written.indexOf(expression);
  const isUnique = first >= 0 && written.indexOf(expression, first + 1) < 0;
  return isUnique && !expression.includes('\n') ? inside(first) : span;
}

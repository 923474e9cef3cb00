import { errorDiagnostic, type Diagnostic, type Span } from '../base/diagnostic.ts';
import { keySpan, toPlain, treeAt, valueSpan } from '../source/locate.ts';
import type { Tree, TreePath } from '../source/tree.ts';
import { explain, type Explanation } from './messages.ts';
import { validate, type SchemaError } from './validate.gen.js';
import { pointerSteps } from './value-words.ts';

/** Everything in a merged file that the schema does not allow, in the order of the text. */
export function validateTree(tree: Tree): Diagnostic[] {
  if (validate(toPlain(tree))) return [];
  const problems = withoutSummaries(validate.errors ?? []).flatMap((error) => problemOf(tree, error));
  return onePerPlace(withoutForetold(problems))
    .toSorted((a, b) => byPosition(tree.span.file, a.span, b.span))
    .map(({ explanation: { code, message, hint }, span }) =>
      errorDiagnostic(code, message, { span, ...(hint !== undefined && { hint }) }),
    );
}

interface Problem {
  /** JSON pointer of the value that failed. */
  readonly pointer: string;
  readonly explanation: Explanation;
  readonly span: Span;
}

/** `oneOf` fails together with each of its branches, whose own errors say less. */
function withoutSummaries(errors: readonly SchemaError[]): readonly SchemaError[] {
  return errors.filter((error) => !/\/oneOf\/\d+\//.test(error.schemaPath));
}

function problemOf(tree: Tree, error: SchemaError): Problem[] {
  const path: TreePath = pointerSteps(error.instancePath);
  const explanation = explain(error, treeAt(tree, path));
  if (!explanation) return [];
  const { at, key } = explanation;
  const span = key === undefined ? spanOf(tree, path, at) : keySpan(tree, [...path, key]);
  return [{ pointer: error.instancePath, explanation, span }];
}

function spanOf(tree: Tree, path: TreePath, at: 'key' | 'value'): Span {
  const span = at === 'key' ? keySpan(tree, path) : valueSpan(tree, path);
  // A whole file or a whole item would be underlined from end to end: its beginning says where it is.
  const isBlock = treeAt(tree, path)?.kind !== 'scalar';
  return path.length === 0 && isBlock ? { ...span, end: span.start } : span;
}

/** A misspelt `root` is one mistake: the missing `root` is not told as well. Nor is it where `boot` was meant. */
function withoutForetold(problems: readonly Problem[]): readonly Problem[] {
  const foretold = new Set(
    problems
      .filter(({ explanation }) => explanation.code === 'unknown-key')
      .map(({ pointer, explanation }) => `${pointer}\n${explanation.suggests}`),
  );
  return problems.filter(({ pointer, explanation: { code, suggests } }) => {
    const ways = suggests === 'root' ? ['root', 'boot'] : [suggests];
    return code !== 'missing-key' || !ways.some((key) => foretold.has(`${pointer}\n${key}`));
  });
}

/**
 * Of several errors at one place the first is the most basic: the type before the range. A value that an anchor or
 * `extends` carried to several machines is one place.
 */
function onePerPlace(problems: readonly Problem[]): readonly Problem[] {
  const seen = new Set<string>();
  return problems.filter(({ explanation, span }) => {
    const key = explanation.key ?? (explanation.code === 'missing-key' ? explanation.suggests : undefined);
    const place = `${span.file}\n${span.start}\n${span.end}\n${key ?? ''}`;
    return !seen.has(place) && seen.add(place);
  });
}

/** The main file first, then the others by name. */
function byPosition(mainFile: string, a: Span, b: Span): number {
  if (a.file === b.file) return a.start - b.start;
  if (a.file === mainFile) return -1;
  if (b.file === mainFile) return 1;
  return a.file < b.file ? -1 : 1;
}

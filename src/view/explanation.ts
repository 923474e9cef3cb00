import type { Explanation } from '../config/explain.ts';
import type { UsedVariable } from '../source/tree.ts';
import { fileName, placeOf } from './diagnostics.ts';
import { toCompactJson } from './yaml.ts';

/** Where a value is from, for people: its place, the variables in it, and what it replaced. */
export function explanationText(
  explanation: Explanation,
  texts: ReadonlyMap<string, string>,
  relativeTo: string,
): string {
  const place = (span: Explanation['span']): string => placeOf(span, texts, relativeTo);
  return [
    `${explanation.path}: ${toCompactJson(explanation.value)}`,
    `  set at ${place(explanation.span)}`,
    ...explanation.variables.map((variable) => `  ${variableText(variable, relativeTo)}`),
    ...explanation.replaced.map(({ value, span }) => `  replaces ${toCompactJson(value)} at ${place(span)}`),
  ].join('\n');
}

function variableText({ name, value, origin }: UsedVariable, relativeTo: string): string {
  if (value === undefined || !origin) return `\${${name}} is not set; the default in the file holds`;
  const is = `\${${name}} is ${toCompactJson(value)}`;
  switch (origin.kind) {
    case 'environment':
      return `${is}, from the environment`;
    case 'krun':
      return `${is}, set by krun`;
    case 'file':
      return `${is}, from ${fileName(origin.file, relativeTo)}:${origin.line}`;
  }
}

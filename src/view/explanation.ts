import path from 'node:path';
import type { Explanation, ExplainedVariable } from '../config/explain.ts';
import type { Span } from '../base/diagnostic.ts';
import { lineColumn } from '../source/source-file.ts';

/** Where a value is from, for people: its place, the variables in it, and what it replaced. */
export function explanationText(
  explanation: Explanation,
  texts: ReadonlyMap<string, string>,
  relativeTo: string,
): string {
  const place = (span: Span): string => {
    const name = path.relative(relativeTo, span.file) || span.file;
    const text = texts.get(span.file);
    if (text === undefined) return name;
    const { line, column } = lineColumn(text, span.start);
    return `${name}:${line}:${column}`;
  };
  return [
    `${explanation.path}: ${JSON.stringify(explanation.value)}`,
    `  set at ${place(explanation.span)}`,
    ...explanation.variables.map((variable) => `  ${variableText(variable, relativeTo)}`),
    ...explanation.replaced.map(
      (earlier) => `  replaces ${JSON.stringify(earlier.value)} at ${place(earlier.span)}`,
    ),
  ].join('\n');
}

function variableText({ name, value, origin }: ExplainedVariable, relativeTo: string): string {
  if (value === undefined || origin === undefined)
    return `\${${name}} is not set; the default in the file holds`;
  switch (origin.kind) {
    case 'environment':
      return `\${${name}} is ${JSON.stringify(value)}, from the environment`;
    case 'krun':
      return `\${${name}} is ${JSON.stringify(value)}, set by krun`;
    case 'file':
      return `\${${name}} is ${JSON.stringify(value)}, from ${path.relative(relativeTo, origin.file)}:${origin.line}`;
  }
}

import type { ExplainedVariable, Explanation } from '../config/explain.ts';
import { fileName, placeOf } from './diagnostics.ts';
import { toYaml } from './yaml.ts';

/**
 * An explanation as text:
 *
 *     machines.web.memory: 1GiB
 *       set at krun.override.yaml:3:13
 *       from ${MEMORY} = 1GiB (.env:2)
 *       instead of 512MiB at krun.yaml:5:13
 */
export function renderExplanation(
  explanation: Explanation,
  texts: ReadonlyMap<string, string>,
  relativeTo: string,
): string {
  const place = (span: Explanation['span']): string => placeOf(span, texts, relativeTo);
  return [
    `${explanation.path}:${valueText(explanation.value, '  ')}`,
    `  set at ${place(explanation.span)}`,
    ...explanation.variables.map((variable) => `  from ${variableText(variable, relativeTo)}`),
    ...explanation.replaced.map(
      ({ value, span }) => `  instead of${valueText(value, '    ')} at ${place(span)}`,
    ),
    '',
  ].join('\n');
}

/** On the same line for a single value, indented below otherwise. */
function valueText(value: unknown, indent: string): string {
  const text = toYaml(value).trimEnd();
  const isBlock = typeof value === 'object' && value !== null && text.includes('\n');
  return isBlock
    ? `\n${text.replaceAll(/^/gm, indent)}\n${indent.slice(2)}`.trimEnd()
    : ` ${text.replaceAll('\n', '\n' + indent)}`;
}

function variableText({ name, value, origin }: ExplainedVariable, relativeTo: string): string {
  if (value === undefined || !origin) return `\${${name}}, which is not set: its default holds`;
  const source =
    origin.kind === 'file'
      ? `${fileName(origin.file, relativeTo)}:${origin.line}`
      : origin.kind === 'environment'
        ? 'environment'
        : 'set by krun';
  return `\${${name}} = ${value} (${source})`;
}

import path from 'node:path';
import { createPaint, type Paint } from './style.ts';
import { excerpt } from './excerpt.ts';
import type { Diagnostic, Span } from '../base/diagnostic.ts';
import { lineColumn } from '../source/source-file.ts';

export interface DiagnosticViewOptions {
  readonly color: boolean;
  /** Directory that file names are shown from. */
  readonly relativeTo: string;
}

/**
 * Diagnostics as text for people, in the given order, with the lines they are about and a count at the end:
 *
 *     krun.yaml:3:5: error: unknown key `memori`
 *      3 |     memori: 512MiB
 *        |     ^~~~~~
 *     hint: did you mean `memory`?
 *
 * `texts` holds the files by absolute path; a place in a file that is not there is shown by name only.
 */
export function renderDiagnostics(
  diagnostics: readonly Diagnostic[],
  texts: ReadonlyMap<string, string>,
  options: DiagnosticViewOptions,
): string {
  if (diagnostics.length === 0) return '';
  const view: View = { texts, paint: createPaint(options.color), relativeTo: options.relativeTo };
  const blocks = diagnostics.map((diagnostic) => renderDiagnostic(diagnostic, view));
  return [...blocks, countLine(diagnostics)].join('\n') + '\n';
}

/** One diagnostic for programs; places as file, line and column from 1 on. */
export function diagnosticJson(
  { severity, code, message, span, related = [], hint }: Diagnostic,
  texts: ReadonlyMap<string, string>,
): { readonly type: 'diagnostic' } & Readonly<Record<string, unknown>> {
  const place = ({ file, start }: Span): object => {
    const text = texts.get(file);
    return { file, ...(text !== undefined && lineColumn(text, start)) };
  };
  return {
    type: 'diagnostic',
    severity,
    code,
    message,
    ...(span && place(span)),
    ...(hint !== undefined && { hint }),
    ...(related.length > 0 && {
      related: related.map((other) => ({ message: other.message, ...place(other.span) })),
    }),
  };
}

interface View {
  readonly texts: ReadonlyMap<string, string>;
  readonly paint: Paint;
  readonly relativeTo: string;
}

function renderDiagnostic(diagnostic: Diagnostic, view: View): string {
  const { paint } = view;
  const { severity, message, span, related = [], hint } = diagnostic;
  const style = severity === 'error' ? 'red' : 'yellow';
  const label = paint('bold', paint(style, `${severity}:`));
  const lines = [`${placePrefix(span, view)}${label} ${paint('bold', visible(message))}`];
  if (span) lines.push(...excerptLines(span, view, style));
  for (const place of related) {
    lines.push(`${placePrefix(place.span, view)}${paint('cyan', 'note:')} ${visible(place.message)}`);
    lines.push(...excerptLines(place.span, view, 'cyan'));
  }
  if (hint !== undefined) lines.push(`${paint('green', 'hint:')} ${visible(hint)}`);
  return lines.join('\n') + '\n';
}

/** `krun.yaml:3:5: `, or `krun.yaml: ` where the text is not known. */
function placePrefix(span: Span | undefined, view: View): string {
  if (!span) return '';
  return `${view.paint('bold', placeOf(span, view.texts, view.relativeTo))}: `;
}

/** `krun.yaml:3:5`, or `krun.yaml` where the text is not known. */
export function placeOf(span: Span, texts: ReadonlyMap<string, string>, relativeTo: string): string {
  const name = visible(fileName(span.file, relativeTo));
  const text = texts.get(span.file);
  if (text === undefined) return name;
  const { line, column } = lineColumn(text, span.start);
  return `${name}:${line}:${column}`;
}

/** The shorter of the relative and the absolute name. */
export function fileName(file: string, relativeTo: string): string {
  if (!path.isAbsolute(file)) return file;
  const relative = path.relative(relativeTo, file) || '.';
  return relative.length <= file.length ? relative : file;
}

function excerptLines(span: Span, view: View, style: 'red' | 'yellow' | 'cyan'): string[] {
  const text = view.texts.get(span.file);
  if (text === undefined) return [];
  const shown = excerpt(text, span);
  if (!shown) return [];
  const gutter = ` ${shown.line} | `;
  const blank = ' '.repeat(gutter.length - 2) + '| ';
  return [
    `${view.paint('dim', gutter)}${shown.text}`,
    `${view.paint('dim', blank)}${shown.indent}${view.paint(style, shown.underline)}`,
  ];
}

/** `2 errors, 1 warning`. */
function countLine(diagnostics: readonly Diagnostic[]): string {
  const errors = diagnostics.filter((diagnostic) => diagnostic.severity === 'error').length;
  const counted = (count: number, noun: string): string[] =>
    count === 0 ? [] : [`${count} ${noun}${count === 1 ? '' : 's'}`];
  return [...counted(errors, 'error'), ...counted(diagnostics.length - errors, 'warning')].join(', ');
}

/** Control characters from a file must not reach the terminal. */
function visible(text: string): string {
  // oxlint-disable-next-line no-control-regex -- these are what it looks for
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, (character) => {
    if (character === '\n') return '\\n';
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

import { errorDiagnostic, type Diagnostic, type Span } from '../base/diagnostic.ts';
import { lineColumn, type SourceFile } from '../source/source-file.ts';
import type { UsedVariable } from '../source/tree.ts';
import { problemDiagnostic } from './interpolate.ts';
import { expandTemplate } from './template.ts';
import { layerVariables, usedVariables, type Variable, type Variables } from './variables.ts';

/** One variable of an env file. */
export interface DotenvEntry {
  readonly name: string;
  readonly value: string;
  readonly keySpan: Span;
  readonly span: Span;
  /** Variables that the value was made of. */
  readonly variables: readonly UsedVariable[];
}

export interface Dotenv {
  readonly entries: readonly DotenvEntry[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Text of a value before interpolation. */
interface RawValue {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** Offset of `text` in the file, where the file shows it unchanged. */
  readonly textStart?: number;
  readonly isLiteral: boolean;
}

/**
 * Reads an env file as compose does: `KEY=value`, `export`, comments, single quotes (literal), double quotes (escapes),
 * variables in unquoted and double-quoted values, and `KEY` alone, which takes the outer value. `outer` wins over
 * earlier lines of the file where a value names a variable.
 */
export function parseDotenv(file: SourceFile, outer: Variables): Dotenv {
  const reader = new DotenvReader(file, outer);
  reader.readAll();
  return { entries: reader.entries, diagnostics: reader.diagnostics };
}

/** Reads `NAME=value` lines whose values are taken as they are. */
export function parseRawEnv(file: SourceFile, outer: Variables): Dotenv {
  const entries: DotenvEntry[] = [];
  const diagnostics: Diagnostic[] = [];
  let start = 0;
  for (const written of file.text.split('\n')) {
    const line = written.replace(/\r$/, '');
    const nextStart = start + written.length + 1;
    const equals = line.indexOf('=');
    const name = equals < 0 ? line.trim() : line.slice(0, equals);
    const keySpan = { file: file.path, start, end: start + name.length };
    const span = { file: file.path, start: start + equals + 1, end: start + line.length };
    start = nextStart;
    if (line.trim() === '' || line.trimStart().startsWith('#')) continue;
    const value = equals < 0 ? outer.get(name)?.value : line.slice(equals + 1);
    if (name === '' || /\s/.test(name)) {
      diagnostics.push(errorDiagnostic('environment', `\`${name}\` is no variable name`, { span: keySpan }));
    } else if (value !== undefined) {
      entries.push({ name, value, keySpan, span: equals < 0 ? keySpan : span, variables: [] });
    }
  }
  return { entries, diagnostics };
}

/** The entries of an env file as variables for interpolation; the last of several equal names wins. */
export function dotenvVariables(file: SourceFile, entries: readonly DotenvEntry[]): Variables {
  return new Map<string, Variable>(
    entries.map(({ name, value, keySpan }) => {
      const { line } = lineColumn(file.text, keySpan.start);
      return [name, { value, origin: { kind: 'file', file: file.path, line } }];
    }),
  );
}

const BLANK_OR_COMMENT = /(?:[^\S\n]*(?:#[^\n]*)?\n)*[^\S\n]*(?:#[^\n]*$)?/y;
const EXPORT = /export[^\S\n]+(?=\S)/y;
const KEY = /[A-Za-z_][A-Za-z0-9_.-]*/y;
const SEPARATOR = /[^\S\n]*[=:][^\S\n]*/y;
const LINE_END = /[^\S\n]*(?:#[^\n]*)?(?:\n|$)/y;
const BLANKS = /[^\S\n]*/y;
const REST_OF_LINE = /[^\n]*/y;
const ESCAPE = /\\([abfnrtv"$\\])/g;
const ESCAPES: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '"': '"',
  '\\': '\\',
  // Interpolation turns it into one dollar sign.
  $: '$$',
};

class DotenvReader {
  readonly diagnostics: Diagnostic[] = [];
  readonly #entries = new Map<string, DotenvEntry>();
  /** Names whose value has a mistake: later lines may name them, and nobody else gets a half value. */
  readonly #broken = new Set<string>();
  readonly #file: SourceFile;
  readonly #outer: Variables;
  #offset = 0;

  constructor(file: SourceFile, outer: Variables) {
    this.#file = file;
    this.#outer = outer;
  }

  get entries(): DotenvEntry[] {
    return [...this.#entries.values()].filter(({ name }) => !this.#broken.has(name));
  }

  readAll(): void {
    while (this.#offset < this.#file.text.length) {
      this.#match(BLANK_OR_COMMENT);
      if (this.#offset >= this.#file.text.length) return;
      this.#readEntry();
    }
  }

  #readEntry(): void {
    this.#match(EXPORT);
    const start = this.#offset;
    const name = this.#match(KEY);
    if (name === undefined) {
      this.#skipLine(start, 'a line starts with a variable name: letters, digits and `_`');
      return;
    }
    const keySpan = this.#span(start, this.#offset);
    if (this.#match(SEPARATOR) === undefined) {
      if (this.#match(LINE_END) === undefined) {
        this.#match(BLANKS);
        this.#skipLine(this.#offset, `\`=\` is missing after \`${name}\``);
        return;
      }
      const value = this.#outer.get(name)?.value;
      if (value !== undefined) this.#add({ name, value, keySpan, span: keySpan, variables: [] });
      return;
    }
    const raw = this.#readValue();
    if (!raw) return;
    this.#addExpanded(name, keySpan, raw);
  }

  #readValue(): RawValue | undefined {
    const quote = this.#file.text[this.#offset];
    if (quote === '"' || quote === "'") return this.#readQuoted(quote);
    const start = this.#offset;
    const line = this.#match(REST_OF_LINE) ?? '';
    // `#` starts a comment after white space only: colours and fragments of URLs have one too.
    const isAfterSpace = /\s/.test(this.#file.text[start - 1] ?? '');
    const comment = (isAfterSpace ? /(?:^|\s)#/ : /\s#/).exec(line);
    const text = (comment ? line.slice(0, comment.index) : line).trimEnd();
    return { text, start, end: start + text.length, textStart: start, isLiteral: false };
  }

  #readQuoted(quote: '"' | "'"): RawValue | undefined {
    const { text } = this.#file;
    const start = this.#offset;
    let end = start + 1;
    while (end < text.length && text[end] !== quote) end += text[end] === '\\' ? 2 : 1;
    if (end >= text.length) {
      this.#offset = start;
      this.#skipLine(start, `the closing ${quote} is missing`);
      return undefined;
    }
    this.#offset = end + 1;
    const inside = text.slice(start + 1, end);
    const after = this.#offset;
    if (this.#match(LINE_END) === undefined) {
      this.#match(BLANKS);
      this.#skipLine(this.#offset, `only a comment can follow the closing ${quote}`);
      return undefined;
    }
    if (quote === "'") return { text: inside.replaceAll("\\'", "'"), start, end: after, isLiteral: true };
    const unescaped = inside.replace(ESCAPE, (whole, letter: string) => ESCAPES[letter] ?? whole);
    const shown = unescaped === inside ? { textStart: start + 1 } : {};
    return { text: unescaped, start, end: after, isLiteral: false, ...shown };
  }

  #addExpanded(name: string, keySpan: Span, raw: RawValue): void {
    const span = this.#span(raw.start, raw.end);
    if (raw.isLiteral) {
      this.#add({ name, value: raw.text, keySpan, span, variables: [] });
      return;
    }
    const lookUp = (variable: string): string | undefined =>
      this.#outer.get(variable)?.value ?? this.#entries.get(variable)?.value;
    const expansion = expandTemplate(raw.text, lookUp);
    if (expansion.problems.length > 0) this.#broken.add(name);
    for (const problem of expansion.problems) {
      const { textStart } = raw;
      const place =
        textStart === undefined ? span : this.#span(textStart + problem.start, textStart + problem.end);
      const diagnostic = problemDiagnostic(problem, place, this.#known());
      const isSyntax = problem.kind === 'syntax';
      this.diagnostics.push(
        isSyntax ? { ...diagnostic, hint: 'put single quotes around a value with `$`' } : diagnostic,
      );
    }
    this.#add({
      name,
      value: expansion.text,
      keySpan,
      span,
      variables: usedVariables(expansion.variables, this.#known()),
    });
  }

  /** Later lines replace earlier ones. */
  #add(entry: DotenvEntry): void {
    this.#entries.delete(entry.name);
    this.#entries.set(entry.name, entry);
  }

  #known(): Variables {
    return layerVariables(dotenvVariables(this.#file, this.entries), this.#outer);
  }

  #skipLine(from: number, message: string): void {
    const rest = this.#match(REST_OF_LINE) ?? '';
    const end = Math.max(from + 1, this.#offset - (rest.length - rest.trimEnd().length));
    this.diagnostics.push(errorDiagnostic('environment', message, { span: this.#span(from, end) }));
  }

  #span(start: number, end: number): Span {
    return { file: this.#file.path, start, end };
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#offset;
    const match = pattern.exec(this.#file.text)?.[0];
    if (match !== undefined) this.#offset += match.length;
    return match;
  }
}

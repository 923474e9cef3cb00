/** A stretch of text that interpolation understood: literal text or one variable. */
type TemplatePart =
  | { readonly kind: 'text'; readonly text: string }
  | {
      readonly kind: 'variable';
      readonly name: string;
      /** Offsets of the whole expression in the template. */
      readonly start: number;
      readonly end: number;
      readonly operator?: TemplateOperator;
      readonly operand: readonly TemplatePart[];
    };

/** `:` variants take an empty variable for an unset one. */
type TemplateOperator = ':-' | '-' | ':?' | '?' | ':+' | '+';

/** Something wrong with a template, at offsets of its text. */
export interface TemplateProblem {
  readonly kind: 'syntax' | 'unset' | 'required';
  readonly message: string;
  readonly start: number;
  readonly end: number;
  readonly hint?: string;
  /** The variable, where there is one. */
  readonly name?: string;
}

interface Template {
  readonly parts: readonly TemplatePart[];
  readonly problems: readonly TemplateProblem[];
}

/** A template with its variables filled in. */
export interface Expansion {
  readonly text: string;
  /** Every variable that was asked for, whether set or not, in the order of the text. */
  readonly variables: readonly string[];
  readonly problems: readonly TemplateProblem[];
}

/** Fills in compose's forms: `$V ${V} ${V:-d} ${V-d} ${V:?e} ${V?e} ${V:+a} ${V+a}`, nested, and `$$` for `$`. */
export function expandTemplate(text: string, lookUp: (name: string) => string | undefined): Expansion {
  const { parts, problems } = parseTemplate(text);
  if (problems.length > 0) return { text, variables: [], problems };
  const expansion = { variables: new Set<string>(), problems: [] as TemplateProblem[] };
  const expanded = expandParts(parts, lookUp, expansion);
  return { text: expanded, variables: [...expansion.variables], problems: expansion.problems };
}

interface Collected {
  readonly variables: Set<string>;
  readonly problems: TemplateProblem[];
}

type LookUp = (name: string) => string | undefined;

function expandParts(parts: readonly TemplatePart[], lookUp: LookUp, collected: Collected): string {
  return parts
    .map((part) => (part.kind === 'text' ? part.text : expandVariable(part, lookUp, collected)))
    .join('');
}

function expandVariable(
  part: Extract<TemplatePart, { kind: 'variable' }>,
  lookUp: LookUp,
  collected: Collected,
): string {
  const { name, operator, operand, start, end } = part;
  collected.variables.add(name);
  const value = lookUp(name);
  const isPresent = operator?.startsWith(':') ? Boolean(value) : value !== undefined;
  switch (operator?.at(-1)) {
    case '-':
      return isPresent ? (value ?? '') : expandParts(operand, lookUp, collected);
    case '+':
      return isPresent ? expandParts(operand, lookUp, collected) : '';
    case '?':
      if (!isPresent) {
        const reason = expandParts(operand, lookUp, collected);
        const state = value === undefined ? 'is not set' : 'is empty';
        const message = `variable \`${name}\` ${state}${reason === '' ? '' : `: ${reason}`}`;
        collected.problems.push({ kind: 'required', message, start, end, name });
      }
      return value ?? '';
    default:
      if (value === undefined) {
        collected.problems.push({
          kind: 'unset',
          message: `variable \`${name}\` is not set`,
          start,
          end,
          name,
        });
      }
      return value ?? '';
  }
}

/** Reads a template without knowing any variable. */
function parseTemplate(text: string): Template {
  const reader = new TemplateReader(text);
  const parts = reader.readParts(false);
  return { parts, problems: reader.problems };
}

const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const OPERATOR = /:[-?+]|[-?+]/y;
/** Expressions inside expressions; more is not meant for people. */
const MOST_NESTED = 20;
const DOLLAR_HINT = 'write `$$` for a dollar sign';

class TemplateReader {
  readonly problems: TemplateProblem[] = [];
  readonly #text: string;
  #offset = 0;
  #nested = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Up to the end of the text, or up to the `}` that closes the expression around. */
  readParts(insideBraces: boolean): TemplatePart[] {
    const parts: TemplatePart[] = [];
    let literal = '';
    // Braces that the operand opens itself, as in `${V:-{"a": 1}}`.
    let openBraces = 0;
    while (this.#offset < this.#text.length) {
      const character = this.#text[this.#offset];
      if (character === '$') {
        const read = this.#readDollar();
        if (typeof read === 'string') literal += read;
        else {
          if (literal !== '') parts.push({ kind: 'text', text: literal });
          literal = '';
          parts.push(read);
        }
        continue;
      }
      if (insideBraces && character === '}' && openBraces === 0) break;
      if (character === '{') openBraces++;
      if (character === '}') openBraces--;
      literal += character;
      this.#offset++;
    }
    if (literal !== '') parts.push({ kind: 'text', text: literal });
    return parts;
  }

  #readDollar(): string | TemplatePart {
    const start = this.#offset;
    this.#offset++;
    const next = this.#text[this.#offset];
    if (next === '$') {
      this.#offset++;
      return '$';
    }
    if (next === '{') return this.#readBraces(start);
    const name = this.#match(NAME);
    if (name !== undefined) return { kind: 'variable', name, start, end: this.#offset, operand: [] };
    const what = next === undefined ? '`$` at the end' : `\`$${next}\``;
    this.#report(`${what} is no variable`, start, next === undefined ? start + 1 : start + 2, DOLLAR_HINT);
    return '$';
  }

  #readBraces(start: number): string | TemplatePart {
    this.#offset++;
    const name = this.#match(NAME);
    if (name === undefined) return this.#badName(start);
    const operator = this.#match(OPERATOR) as TemplateOperator | undefined;
    const after = this.#text[this.#offset];
    if (operator === undefined && after !== '}' && after !== undefined) {
      this.#skipToBrace();
      const hint = `after the name comes one of \`:-\` \`-\` \`:?\` \`?\` \`:+\` \`+\`, or \`}\`; ${DOLLAR_HINT}`;
      this.#report(`\`${after}\` cannot follow the variable name \`${name}\``, start, this.#offset, hint);
      return '';
    }
    if (this.#nested === MOST_NESTED) {
      this.#offset = this.#text.length;
      this.#report(`variables are nested more than ${MOST_NESTED} deep`, start, this.#offset, DOLLAR_HINT);
      return '';
    }
    this.#nested++;
    const operand = operator === undefined ? [] : this.readParts(true);
    this.#nested--;
    if (this.#text[this.#offset] !== '}') {
      // What is nested inside has been reported: this is its consequence.
      if (this.problems.some((problem) => problem.end === this.#text.length)) return '';
      this.#report(`the closing \`}\` of \`\${${name}\` is missing`, start, this.#text.length, DOLLAR_HINT);
      return '';
    }
    this.#offset++;
    return { kind: 'variable', name, start, end: this.#offset, operand, ...(operator ? { operator } : {}) };
  }

  #badName(start: number): string {
    this.#skipToBrace();
    const written = this.#text.slice(start + 2, this.#offset).replace(/\}$/, '');
    const message = written === '' ? '`${}` has no variable name' : `\`${written}\` is no variable name`;
    const hint = `a name has letters, digits and \`_\`; ${DOLLAR_HINT}`;
    this.#report(message, start, this.#offset, hint);
    return '';
  }

  /** Goes on after the next `}`, so that one mistake is one problem. */
  #skipToBrace(): void {
    const brace = this.#text.indexOf('}', this.#offset);
    this.#offset = brace < 0 ? this.#text.length : brace + 1;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#offset;
    const match = pattern.exec(this.#text)?.[0];
    if (match !== undefined) this.#offset += match.length;
    return match;
  }

  #report(message: string, start: number, end: number, hint: string): void {
    this.problems.push({ kind: 'syntax', message, start, end, hint });
  }
}

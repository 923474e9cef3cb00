import { describe, expect, test } from 'vitest';
import { expandTemplate } from '../../../src/config/template.ts';

const values: Readonly<Record<string, string>> = { V: 'value', EMPTY: '', W: 'w', _x1: 'under' };

function expand(text: string) {
  return expandTemplate(text, (name) => (Object.hasOwn(values, name) ? values[name] : undefined));
}

describe('a template is filled in as compose does it', () => {
  test.each<[string, string]>([
    ['', ''],
    ['no variable', 'no variable'],
    ['$V', 'value'],
    ['${V}', 'value'],
    ['a${V}b', 'avalueb'],
    ['$V-$W', 'value-w'],
    ['$_x1.', 'under.'],
    ['$V$W', 'valuew'],
    ['$$', '$'],
    ['$$V', '$V'],
    ['$$$V', '$value'],
    ['$${V}', '${V}'],
    ['${V:-d}', 'value'],
    ['${EMPTY:-d}', 'd'],
    ['${NONE:-d}', 'd'],
    ['${NONE:-}', ''],
    ['${V-d}', 'value'],
    ['${EMPTY-d}', ''],
    ['${NONE-d}', 'd'],
    ['${NONE-}', ''],
    ['${V:+alt}', 'alt'],
    ['${EMPTY:+alt}', ''],
    ['${NONE:+alt}', ''],
    ['${V+alt}', 'alt'],
    ['${EMPTY+alt}', 'alt'],
    ['${NONE+alt}', ''],
    ['${V:?message}', 'value'],
    ['${V?message}', 'value'],
    ['${EMPTY?message}', ''],
    ['${NONE:-${V}}', 'value'],
    ['${NONE:-$V}', 'value'],
    ['${NONE:-${ALSO:-${V}!}?}', 'value!?'],
    ['${V:+${NONE:-x}${W}}', 'xw'],
    ['${NONE:-a$$b}', 'a$b'],
    ['${NONE:-:-}', ':-'],
    ['${NONE:-{"a": {"b": 1}}}', '{"a": {"b": 1}}'],
    ['${NONE:-two words: yes}', 'two words: yes'],
    ['}{', '}{'],
    ['${NONE:-a\nb}', 'a\nb'],
  ])('%j is %j', (template, expected) => {
    expect(expand(template)).toMatchObject({ text: expected, problems: [] });
  });

  test('the variables that were asked for are known, in order and once', () => {
    expect(expand('$V ${NONE:-$W} ${V:+x} $$EMPTY').variables).toEqual(['V', 'NONE', 'W']);
  });

  test('a default that is not needed is not looked at', () => {
    expect(expand('${V:-${NONE}}')).toMatchObject({ text: 'value', variables: ['V'], problems: [] });
  });
});

describe('what is wrong with a template is told with its place', () => {
  test.each<[string, string, string]>([
    ['a $NONE b', '$NONE', 'unset: variable `NONE` is not set'],
    ['a ${NONE} b', '${NONE}', 'unset: variable `NONE` is not set'],
    ['${EMPTY:-${NONE}}', '${NONE}', 'unset: variable `NONE` is not set'],
    ['x${NONE:?}', '${NONE:?}', 'required: variable `NONE` is not set'],
    ['${NONE?say $V}', '${NONE?say $V}', 'required: variable `NONE` is not set: say value'],
    ['${EMPTY:?fill it}', '${EMPTY:?fill it}', 'required: variable `EMPTY` is empty: fill it'],
    ['5$', '$', 'syntax: `$` at the end is no variable'],
    ['$1', '$1', 'syntax: `$1` is no variable'],
    ['$(date)', '$(', 'syntax: `$(` is no variable'],
    ['a ${} b', '${}', 'syntax: `${}` has no variable name'],
    ['${1A} b', '${1A}', 'syntax: `1A` is no variable name'],
    ['${ A }', '${ A }', 'syntax: ` A ` is no variable name'],
    ['${A B}', '${A B}', 'syntax: ` ` cannot follow the variable name `A`'],
    ['${A:x}', '${A:x}', 'syntax: `:` cannot follow the variable name `A`'],
    ['${A=x}', '${A=x}', 'syntax: `=` cannot follow the variable name `A`'],
    ['${A', '${A', 'syntax: the closing `}` of `${A` is missing'],
    ['${A:-b', '${A:-b', 'syntax: the closing `}` of `${A` is missing'],
    ['${A:-{}', '${A:-{}', 'syntax: the closing `}` of `${A` is missing'],
    ['${', '${', 'syntax: `${}` has no variable name'],
  ])('%j', (template, place, expected) => {
    const { problems } = expand(template);
    expect(problems.map(({ kind, message }) => `${kind}: ${message}`)).toEqual([expected]);
    expect(template.slice(problems[0]?.start, problems[0]?.end)).toBe(place);
  });

  test('every mistake of a text is told', () => {
    expect(expand('$1 ${} $NONE').problems.map(({ kind }) => kind)).toEqual(['syntax', 'syntax']);
    expect(expand('$NONE $V ${ALSO}').problems.map(({ name }) => name)).toEqual(['NONE', 'ALSO']);
  });

  test('an open brace deep inside is one mistake', () => {
    expect(expand('${A:-${B:-${C').problems).toHaveLength(1);
  });

  test('nesting without end is refused', () => {
    const { problems } = expand('${A:-'.repeat(50_000));
    expect(problems.map(({ message }) => message)).toEqual(['variables are nested more than 20 deep']);
  });
});

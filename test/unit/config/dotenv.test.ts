import { describe, expect, test } from 'vitest';
import { dotenvVariables, parseDotenv, parseRawEnv } from '../../../src/config/dotenv.ts';
import { environmentVariables } from '../../../src/config/variables.ts';
import { lineColumn } from '../../../src/source/source-file.ts';

const path = '/p/.env';
const outer = environmentVariables({ HOST: 'outer', HOME: '/home/me' });

function values(text: string): Record<string, string> {
  const { entries, diagnostics } = parseDotenv({ path, text }, outer);
  expect(diagnostics).toEqual([]);
  return Object.fromEntries(entries.map(({ name, value }) => [name, value]));
}

function mistakes(text: string): string[] {
  return parseDotenv({ path, text }, outer).diagnostics.map(({ message, span }) => {
    const { line, column } = lineColumn(text, span?.start ?? 0);
    return `${line}:${column} ${message}`;
  });
}

describe('an env file', () => {
  test.each<[string, string, Record<string, string>]>([
    ['plain', 'A=b', { A: 'b' }],
    ['CRLF', 'A=b\r\nC=d\r\n', { A: 'b', C: 'd' }],
    ['blank lines and comments', '\n# A=1\n  # B=2\nC=3\n\n', { C: '3' }],
    ['export', 'export A=b\nexport\tC=d', { A: 'b', C: 'd' }],
    ['a variable named export', 'export=1', { export: '1' }],
    ['spaces around', '  A = b c  \n', { A: 'b c' }],
    ['a colon', 'A: b', { A: 'b' }],
    ['nothing', 'A=\nB=""\nC=\'\'', { A: '', B: '', C: '' }],
    ['an equals sign in the value', 'A=b=c', { A: 'b=c' }],
    ['a comment after the value', 'A=b # c\nD=e# f\n', { A: 'b', D: 'e# f' }],
    ['a comment instead of the value', 'A= # c', { A: '' }],
    ['a colour', 'A=#fff', { A: '#fff' }],
    ['single quotes are literal', "A='$HOST \\n # x'", { A: '$HOST \\n # x' }],
    ['an escaped single quote', "A='it\\'s'", { A: "it's" }],
    ['escapes in double quotes', 'A="a\\tb\\nc\\\\d\\"e"', { A: 'a\tb\nc\\d"e' }],
    ['unknown escapes stay', 'A="\\d+"', { A: '\\d+' }],
    ['several lines', 'A="one\ntwo"\nB=3', { A: 'one\ntwo', B: '3' }],
    ['a comment after quotes', 'A="b" # c', { A: 'b' }],
    ['variables', 'A=$HOST\nB="${HOST}/x"', { A: 'outer', B: 'outer/x' }],
    ['variables of earlier lines', 'A=1\nB=${A}2', { A: '1', B: '12' }],
    ['the environment wins over earlier lines', 'HOST=inner\nB=$HOST', { HOST: 'inner', B: 'outer' }],
    ['defaults', 'A=${NONE:-x}', { A: 'x' }],
    ['a dollar sign', 'A=$$5\nB="\\$5"\nC=\'$5\'', { A: '$5', B: '$5', C: '$5' }],
    ['a name alone takes the outer value', 'HOME\nNONE\nA=1', { HOME: '/home/me', A: '1' }],
    ['the last one wins', 'A=1\nA=2', { A: '2' }],
    ['names with dots and dashes', 'a.b-c=1', { 'a.b-c': '1' }],
  ])('%s', (_name, text, expected) => {
    expect(values(text)).toEqual(expected);
  });

  test.each<[string, string, string[]]>([
    ['no name', '=x\nA=1', ['1:1 a line starts with a variable name: letters, digits and `_`']],
    ['a sentence', 'A=1\nthis is text\n', ['2:6 `=` is missing after `this`']],
    ['an open quote', 'A="x\nB=1\n', ['1:3 the closing " is missing']],
    ['text after a quote', "A='x' y\n", ["1:7 only a comment can follow the closing '"]],
    ['an unset variable', 'A=x $NONE\n', ['1:5 variable `NONE` is not set']],
    ['an unset variable in quotes', 'A="x $NONE"\n', ['1:6 variable `NONE` is not set']],
    ['a dollar sign that is none', 'PASSWORD=pa$$w0rd$\n', ['1:18 `$` at the end is no variable']],
    [
      'several',
      '1=2\nA B\n',
      ['1:1 a line starts with a variable name: letters, digits and `_`', '2:3 `=` is missing after `A`'],
    ],
  ])('with %s is refused at the place', (_name, text, expected) => {
    expect(mistakes(text)).toEqual(expected);
  });

  test('tells how to write a dollar sign', () => {
    const [diagnostic] = parseDotenv({ path, text: 'A=$1' }, outer).diagnostics;
    expect(diagnostic?.hint).toBe('put single quotes around a value with `$`');
  });

  test('remembers the line of each variable', () => {
    const file = { path, text: '# x\nA=1\n\nB="a\nb"\nC=3\n' };
    const variables = dotenvVariables(file, parseDotenv(file, outer).entries);
    expect([...variables].map(([name, { origin }]) => [name, origin])).toEqual([
      ['A', { kind: 'file', file: path, line: 2 }],
      ['B', { kind: 'file', file: path, line: 4 }],
      ['C', { kind: 'file', file: path, line: 6 }],
    ]);
  });
});

describe('a raw env file', () => {
  test('is taken as it is', () => {
    const text = '# c\nA="x $Y" # z\r\nB= y \nHOME\nNONE\n\nC=\n';
    const { entries, diagnostics } = parseRawEnv({ path, text }, outer);
    expect(diagnostics).toEqual([]);
    expect(entries.map(({ name, value }) => [name, value])).toEqual([
      ['A', '"x $Y" # z'],
      ['B', ' y '],
      ['HOME', '/home/me'],
      ['C', ''],
    ]);
    expect(entries.map(({ span }) => text.slice(span.start, span.end))).toEqual([
      '"x $Y" # z',
      ' y ',
      'HOME',
      '',
    ]);
  });

  test('has names without spaces', () => {
    const { diagnostics } = parseRawEnv({ path, text: 'A B=1\n=2\n' }, outer);
    expect(diagnostics.map(({ message }) => message)).toEqual([
      '`A B` is no variable name',
      '`` is no variable name',
    ]);
  });
});

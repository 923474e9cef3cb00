import { describe, expect, test } from 'vitest';
import { decodeText } from '../../../src/source/decode.ts';
import { keySpan, toPlain, treeAt, valueSpan } from '../../../src/source/locate.ts';
import { parseYaml } from '../../../src/source/parse.ts';
import { lineColumn } from '../../../src/source/source-file.ts';
import type { Tree, TreePath } from '../../../src/source/tree.ts';

const path = '/p/krun.yaml';

function parse(text: string): Tree {
  const { tree, diagnostics } = parseYaml({ path, text });
  expect(diagnostics).toEqual([]);
  if (!tree) throw new Error('no tree');
  return tree;
}

/** `line:column code message` of everything that is wrong. */
function mistakes(text: string): string[] {
  return parseYaml({ path, text }).diagnostics.map(({ code, message, span }) => {
    const { line, column } = lineColumn(text, span?.start ?? 0);
    return `${line}:${column} ${code} ${message}`;
  });
}

describe('values', () => {
  test('follow the core schema of YAML 1.2', () => {
    const text = 'a: 1\nb: 0x1f\nc: 0o17\nd: 1.5\ne: yes\nf: true\ng: ~\nh:\ni: "1"\nj: 1_000\nk: 0755\n';
    expect(toPlain(parse(text))).toEqual({
      a: 1,
      b: 31,
      c: 15,
      d: 1.5,
      e: 'yes',
      f: true,
      g: null,
      h: null,
      i: '1',
      j: '1_000',
      k: 755,
    });
  });

  test('keep the spelling of numbers and the size of huge ones', () => {
    const tree = parse('version: 1.10\nhuge: 123456789012345678901234567890\n');
    expect(treeAt(tree, ['version'])).toMatchObject({ value: 1.1, source: '1.10', isString: false });
    expect(treeAt(tree, ['huge'])).toMatchObject({ value: 123456789012345678901234567890n });
  });

  test('may have keys that mean something to JavaScript', () => {
    const plain = toPlain(parse('__proto__: 1\nconstructor: 2\n'));
    expect(Object.entries(plain as object)).toEqual([
      ['__proto__', 1],
      ['constructor', 2],
    ]);
  });

  test('keep the type under a merge tag', () => {
    const tree = parse('a: !override 5\nb: !reset\nc: !override [1]\nd: !reset {x: 1}\ne: !override "5"\n');
    expect(treeAt(tree, ['a'])).toMatchObject({ value: 5, tag: 'override' });
    expect(treeAt(tree, ['b'])).toMatchObject({ tag: 'reset' });
    expect(treeAt(tree, ['c'])).toMatchObject({ kind: 'sequence', tag: 'override' });
    expect(treeAt(tree, ['d'])).toMatchObject({ kind: 'map', tag: 'reset' });
    expect(treeAt(tree, ['e'])).toMatchObject({ value: '5', isString: true, tag: 'override' });
  });
});

describe('positions', () => {
  const text = [
    'x-base: &base',
    '  memory: 1GiB',
    'machines:',
    '  web:',
    '    <<: *base',
    '    command: ["sh", -c]',
    '    root: &root ./a',
    '  db: { root: *root }',
    '',
  ].join('\n');
  const tree = parse(text);
  const placeOf = (span: { start: number; end: number }): string => {
    const { line, column } = lineColumn(text, span.start);
    return `${line}:${column} ${text.slice(span.start, span.end)}`;
  };

  test.each<[string, TreePath, string, string]>([
    ['a plain value', ['machines', 'web', 'root'], '7:5 root', '7:17 ./a'],
    ['a quoted item', ['machines', 'web', 'command', 0], '6:15 "sh"', '6:15 "sh"'],
    ['a merged value is where it was written', ['machines', 'web', 'memory'], '2:3 memory', '2:11 1GiB'],
    [
      'a value through an alias too, its key where it stands',
      ['machines', 'db', 'root'],
      '8:9 root',
      '7:17 ./a',
    ],
    [
      'a missing value is its parent',
      ['machines', 'db', 'cpus'],
      '8:7 { root: *root }',
      '8:7 { root: *root }',
    ],
  ])('%s', (_name, at, key, value) => {
    expect(placeOf(keySpan(tree, at))).toBe(key);
    expect(placeOf(valueSpan(tree, at))).toBe(value);
  });
});

describe('merge keys', () => {
  test('give way to what the map says itself, wherever it says it', () => {
    const tree = parse('a: &a {x: 1, y: 2}\nb:\n  x: 3\n  <<: *a\n');
    expect(toPlain(tree)).toMatchObject({ b: { x: 3, y: 2 } });
  });

  test('take the first of several sources', () => {
    const tree = parse('a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc:\n  <<: [*a, *b]\n');
    expect(toPlain(tree)).toMatchObject({ c: { x: 1, y: 2 } });
  });

  test('are ordinary keys when quoted', () => {
    expect(toPlain(parse('"<<": 1\n'))).toEqual({ '<<': 1 });
  });
});

describe('mistakes', () => {
  test.each<[string, string, string[]]>([
    ['an empty file', '', ['1:1 file-empty the file is empty']],
    ['only comments', '# a\n\n# b\n', ['1:1 file-empty the file holds nothing but comments']],
    ['only a document marker', '---\n', ['1:1 file-empty the file holds nothing but comments']],
    ['a tab', 'a:\n\tb: 1\n', ['2:1 yaml-syntax a tab is used as indentation; YAML allows spaces only']],
    [
      'a tab below a value',
      'a: 1\n\tb: 1\n',
      ['2:1 yaml-syntax a tab is used as indentation; YAML allows spaces only'],
    ],
    ['two colons', 'a: b: c\n', ['1:4 yaml-syntax this line has a second `: `']],
    ['no colon', 'a: 1\nb 2\n', ['2:1 yaml-syntax this line has no `:` after its key']],
    ['an open quote', 'a: "x\nb: 1\n', ['1:4 yaml-syntax the closing " is missing']],
    ['an open bracket', 'a: [1,\n  2\nb: 3\n', ['3:1 yaml-syntax the closing `]` is missing']],
    ['a missing comma', 'a: {b: 1 c: 2}\n', ['1:8 yaml-syntax a `,` is missing here, between two entries']],
    [
      'a variable in brackets',
      'a: [x${V}]\n',
      ['1:7 yaml-syntax inside `[ ]` and `{ }`, the brace of `${` is YAML'],
    ],
    [
      'an unknown tag',
      'a: !x 1\nb: !!binary aGk=\n',
      ['1:4 yaml-syntax unknown tag `!x`', '2:4 yaml-syntax unknown tag `!!binary`'],
    ],
    [
      'YAML 1.1',
      '%YAML 1.1\n---\na: yes\n',
      ['1:1 yaml-syntax the file asks for YAML 1.1; krun reads YAML 1.2'],
    ],
    [
      'two documents',
      'a: 1\n---\nb: 2\n',
      ['2:1 yaml-syntax a second document starts here; a file holds exactly one'],
    ],
    ['a number as key', '80: x\n', ['1:1 wrong-type the key 80 is a number; keys are text']],
    ['a boolean as key', 'true: x\n', ['1:1 wrong-type the key true is a boolean; keys are text']],
    ['a list as key', '? [a]\n: x\n', ['1:3 yaml-syntax a key cannot be a list or a map']],
    ['an unknown alias', 'a: *x\n', ['1:4 yaml-alias no anchor `&x` comes before this alias']],
    ['a recursive alias', 'a: &x\n  b: *x\n', ['2:6 yaml-alias `*x` stands inside the value that it names']],
    ['a merge of text', 'a: {<<: 5}\n', ['1:9 yaml-syntax `<<` takes a map or a list of maps']],
    ['one line is one mistake', 'a: b: c: d: e\n', ['1:4 yaml-syntax this line has a second `: `']],
    [
      'all of them at once',
      'a: @x\nb: 1\nb: 2\nc: `y`\n',
      [
        '1:4 yaml-syntax a value cannot start with `@`',
        '4:4 yaml-syntax a value cannot start with ```',
        '3:1 duplicate-key `b` is already set in this map',
      ],
    ],
  ])('%s', (_name, text, expected) => {
    expect(mistakes(text)).toEqual(expected);
  });

  test('a duplicate key names the first place', () => {
    const text = 'a:\n  b: 1\n  b: 2\n';
    const [diagnostic] = parseYaml({ path, text }).diagnostics;
    expect(diagnostic?.related?.map(({ span }) => lineColumn(text, span.start))).toEqual([
      { line: 2, column: 3 },
    ]);
  });

  test('a misspelt alias gets the nearest anchor as a hint', () => {
    const [diagnostic] = parseYaml({ path, text: 'a: &base 1\nb: *bsae\n' }).diagnostics;
    expect(diagnostic?.hint).toBe('did you mean `*base`?');
  });
});

describe('hostile files', () => {
  test('an alias bomb is refused once, and quickly', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
    for (let level = 1; level < 30; level++) {
      lines.push(`a${level}: &a${level} [${Array.from({ length: 9 }, () => `*a${level - 1}`).join(', ')}]`);
    }
    const found = mistakes(lines.join('\n'));
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(/yaml-alias aliases make this file stand for more than 100000 values/);
  });

  test('many honest aliases are fine', () => {
    const text = ['base: &base {a: 1, b: 2}', ...Array.from({ length: 1000 }, (_, i) => `m${i}: *base`)].join(
      '\n',
    );
    expect(mistakes(text)).toEqual([]);
  });

  test.each([
    ['brackets', '['.repeat(100_000)],
    ['closed brackets', '['.repeat(5000) + ']'.repeat(5000)],
    ['maps', Array.from({ length: 3000 }, (_, level) => ' '.repeat(level) + 'a:').join('\n')],
    [
      'aliases inside aliases',
      ['a0: &a0 [x]', ...Array.from({ length: 300 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}]`)].join('\n'),
    ],
  ])('nesting without end is refused: %s', (_name, text) => {
    expect(mistakes(text).map((line) => line.split(' ')[1])).toEqual(['limit']);
  });
});

describe('any bytes at all', () => {
  /** mulberry32: the same bytes at every run. */
  function generator(seed: number): () => number {
    let state = seed;
    return () => {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    };
  }
  const pieces = [
    'a',
    'b: ',
    '- ',
    '? ',
    ': ',
    '\n',
    '\n  ',
    '\t',
    '[',
    ']',
    '{',
    '}',
    ',',
    '&x ',
    '*x',
    '!t ',
    '!reset ',
    '<<: ',
    '"',
    "'",
    '|\n',
    '>-\n',
    '#',
    '---\n',
    '...\n',
    '%YAML 1.1\n',
    '${V}',
    '\r\n',
    '\u00e4',
    '\ud83d\ude00',
    '99999999999999999999',
  ];

  test('give a tree or an error, never an exception, and every span lies inside the text', () => {
    const random = generator(20261120);
    for (let round = 0; round < 3000; round++) {
      const length = Math.floor(random() * 40);
      const text = Array.from({ length }, () => pieces[Math.floor(random() * pieces.length)]).join('');
      const { tree, diagnostics } = parseYaml({ path, text });
      const isRefused = diagnostics.some(({ severity }) => severity === 'error');
      expect(tree === undefined, JSON.stringify(text)).toBe(isRefused);
      for (const { span, related = [] } of diagnostics) {
        for (const place of [span, ...related.map((one) => one.span)]) {
          expect(place, JSON.stringify(text)).toBeDefined();
          const { start, end } = place!;
          expect(
            0 <= start && start <= end && end <= text.length,
            `${start} ${end} ${JSON.stringify(text)}`,
          ).toBe(true);
        }
      }
    }
  });

  test('random bytes are text or refused', () => {
    const random = generator(7);
    for (let round = 0; round < 500; round++) {
      const bytes = Uint8Array.from({ length: Math.floor(random() * 60) }, () => Math.floor(random() * 256));
      const text = decodeText(path, bytes);
      if (text.ok) parseYaml({ path, text: text.value });
      else expect(text.error.code).toBe('file-encoding');
    }
  });
});

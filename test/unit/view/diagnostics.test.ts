import { describe, expect, test } from 'vitest';
import { errorDiagnostic, warningDiagnostic, type Diagnostic } from '../../../src/base/diagnostic.ts';
import { renderDiagnostics } from '../../../src/view/diagnostics.ts';

const file = '/p/krun.yaml';

/** Renders one error about the part of the text between « and ». */
function render(marked: string, more: Partial<Diagnostic> = {}, color = false): string {
  const start = marked.indexOf('«');
  const end = marked.indexOf('»') - 1;
  const text = marked.replace('«', '').replace('»', '');
  const diagnostic = {
    ...errorDiagnostic('unknown-key', 'it is wrong', { span: { file, start, end } }),
    ...more,
  };
  return renderDiagnostics([diagnostic], new Map([[file, text]]), { color, relativeTo: '/p' });
}

function lines(text: string): string[] {
  return text.split('\n').slice(1, 3);
}

describe('a diagnostic', () => {
  test('has a place, an excerpt with the place underlined, and a count at the end', () => {
    expect(render('machines:\n  web:\n    «memori»: 1\n', { hint: 'did you mean `memory`?' })).toBe(
      [
        'krun.yaml:3:5: error: it is wrong',
        ' 3 |     memori: 1',
        '   |     ^~~~~~',
        'hint: did you mean `memory`?',
        '',
        '1 error',
        '',
      ].join('\n'),
    );
  });

  test('shows further places before its hint', () => {
    const text = 'a: 1\na: 2\n';
    const diagnostic = errorDiagnostic('duplicate-key', '`a` is twice', {
      span: { file, start: 5, end: 6 },
      related: [{ message: 'first here', span: { file, start: 0, end: 1 } }],
      hint: 'keep one',
    });
    expect(renderDiagnostics([diagnostic], new Map([[file, text]]), { color: false, relativeTo: '/' })).toBe(
      [
        'p/krun.yaml:2:1: error: `a` is twice',
        ' 2 | a: 2',
        '   | ^',
        'p/krun.yaml:1:1: note: first here',
        ' 1 | a: 1',
        '   | ^',
        'hint: keep one',
        '',
        '1 error',
        '',
      ].join('\n'),
    );
  });

  test('without a place is a line', () => {
    const diagnostics = [
      errorDiagnostic('usage', 'no'),
      warningDiagnostic('path', 'hm'),
      errorDiagnostic('io', 'oh'),
    ];
    expect(renderDiagnostics(diagnostics, new Map(), { color: false, relativeTo: '/p' })).toBe(
      'error: no\n\nwarning: hm\n\nerror: oh\n\n2 errors, 1 warning\n',
    );
  });

  test('about a file whose text is not known has its name', () => {
    const span = { file: '/q/x.yaml', start: 3, end: 4 };
    const text = renderDiagnostics([errorDiagnostic('file-encoding', 'no', { span })], new Map(), {
      color: false,
      relativeTo: '/p',
    });
    expect(text).toBe('/q/x.yaml: error: no\n\n1 error\n');
  });

  test('nothing wrong is no text', () => {
    expect(renderDiagnostics([], new Map(), { color: false, relativeTo: '/p' })).toBe('');
  });

  test('is coloured only when asked', () => {
    // oxlint-disable-next-line no-control-regex -- escape codes are what it looks for
    const plain = (text: string): string => text.replaceAll(/\u001b\[\d+m/g, '');
    const colored = render('«a»: 1', { hint: 'x' }, true);
    expect(colored).not.toBe(plain(colored));
    expect(plain(colored)).toBe(render('«a»: 1', { hint: 'x' }));
  });
});

describe('an excerpt', () => {
  test.each<[string, string, string[]]>([
    ['shows tabs as four columns', '\ta:\t«b»', [' 1 |     a:    b', '   |           ^']],
    ['counts wide characters twice', 'a: 世界 «x»', [' 1 | a: 世界 x', '   |         ^']],
    ['underlines wide characters', 'a: «世界»', [' 1 | a: 世界', '   |    ^~~~']],
    ['does not count combining marks', 'e\u0301: «x»', [' 1 | e\u0301: x', '   |    ^']],
    ['shows an emoji in two columns', '😀: «x»', [' 1 | 😀: x', '   |     ^']],
    ['ends with its first line', 'a: «|\n  x\n  y»\n', [' 1 | a: |', '   |    ^']],
    ['drops a carriage return', 'a: «b»\r\nc: d\r\n', [' 1 | a: b', '   |    ^']],
    ['points behind the end of a line', 'a:«»\n', [' 1 | a:', '   |   ^']],
    [
      'shows control characters as a replacement',
      'a: \u001b[31m«x»',
      [' 1 | a: \ufffd[31mx', '   |         ^'],
    ],
  ])('%s', (_name, marked, expected) => {
    expect(lines(render(marked))).toEqual(expected);
  });

  test('of a long line is cut around the place', () => {
    const [text = '', underline = ''] = lines(render(`a: ${'x'.repeat(500)}«bad»${'y'.repeat(500)}`));
    expect(text.length).toBeLessThanOrEqual(110);
    expect(text).toMatch(/^ 1 \| …x+bady+…$/);
    expect(text.slice(underline.indexOf('^'), underline.indexOf('^') + 3)).toBe('bad');
  });

  test('of a line of a megabyte is quick', () => {
    expect(lines(render(`a: ${'x'.repeat(2 ** 20)}«b»`))[1]).toMatch(/\^$/);
  });

  test('of a blank line is left out', () => {
    expect(render('a: 1\n«»\nb: 2')).toBe('krun.yaml:2:1: error: it is wrong\n\n1 error\n');
  });

  test('has a gutter as wide as the line number', () => {
    const text = render(`${'\n'.repeat(99)}«a»: 1`);
    expect(lines(text)).toEqual([' 100 | a: 1', '     | ^']);
  });
});

test('control characters in a message do not reach the terminal', () => {
  expect(render('«a»: 1', { message: 'a\u001b[31m\nb\u202e' })).toMatch(/error: a\\u001b\[31m\\nb\\u202e\n/);
});

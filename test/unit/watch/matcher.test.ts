import { expect, test } from 'vitest';
import { foreignNames, Matcher } from '../../../src/watch/matcher.ts';

type Written = Partial<ConstructorParameters<typeof Matcher>[0]>;

function matcher(written: Written = {}): Matcher {
  return new Matcher({ path: '/p/src', ignore: [], include: [], gitignore: false, ...written });
}

/** The paths, below /p/src, that count; those that end with a slash are directories. */
function counted(written: Written, ...names: string[]): string[] {
  const one = matcher(written);
  return names.filter((name) => !one.ignores(`/p/src/${name}`.replace(/\/$/, ''), name.endsWith('/')));
}

test('everything counts but what is foreign, what editors leave, and what lies elsewhere', () => {
  const names = [
    'a.js',
    'b/',
    'b/c.js',
    '.git/',
    'x/node_modules/y.js',
    '.krun/lock',
    'a.js~',
    '.a.js.swp',
    '4913',
  ];
  expect(counted({}, ...names)).toEqual(['a.js', 'b/', 'b/c.js']);
  expect(matcher().ignores('/p/src', true)).toBe(false);
  expect(matcher().ignores('/p/srcs/a.js', false)).toBe(true);
});

test('patterns are those of .gitignore, and the last one that says something counts', () => {
  const names = ['a.log', 'keep.log', 'd/a.log', 'dist/', 'dist/x.js', 'A.LOG'];
  expect(counted({ ignore: ['*.log', '!keep.log', '/dist/'] }, ...names)).toEqual(['keep.log', 'A.LOG']);
});

test('with include only its files count; a directory may hold some', () => {
  const names = ['a.ts', 'a.js', 'd/', 'd/b.ts', 'web/x.css', 'old.ts'];
  expect(counted({ include: ['*.ts', 'web/'], ignore: ['old.ts'] }, ...names)).toEqual([
    'a.ts',
    'd/',
    'd/b.ts',
    'web/x.css',
  ]);
});

test('node_modules counts where a rule names it', () => {
  expect(counted({ include: ['node_modules/own/**'] }, 'node_modules/', 'node_modules/own/a.js')).toEqual([
    'node_modules/',
    'node_modules/own/a.js',
  ]);
  expect(counted({ ignore: ['!node_modules'] }, 'node_modules/a.js')).toEqual(['node_modules/a.js']);
  expect(foreignNames({ include: ['a/.git/b'] })).toEqual(['.krun', 'node_modules']);
});

test('the innermost .gitignore decides, and nothing below an ignored directory comes back', () => {
  const one = matcher({ gitignore: true });
  one.gitignore?.set('/p', '*.log\nbuild/\n/src/top.txt\n');
  one.gitignore?.set('/p/src/d', '!keep.log\n');
  one.gitignore?.set('/p/src/build', '!back.js\n');
  const counts = (name: string): boolean => !one.ignores(`/p/src/${name}`, false);
  expect(counts('a.log')).toBe(false);
  expect(counts('d/a.log')).toBe(false);
  expect(counts('d/keep.log')).toBe(true);
  expect(counts('build/back.js')).toBe(false);
  expect(counts('top.txt')).toBe(false);
  expect(counts('d/top.txt')).toBe(true);
  one.gitignore?.set('/p/src/d', undefined);
  expect(counts('d/keep.log')).toBe(false);
});

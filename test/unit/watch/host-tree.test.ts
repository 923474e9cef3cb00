import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { HostTree } from '../../../src/watch/host-tree.ts';
import { Matcher } from '../../../src/watch/matcher.ts';

let base = '';
beforeEach(() => {
  base = mkdtempSync(path.join(os.tmpdir(), 'kr-tree-'));
  mkdirSync(path.join(base, 'd/e'), { recursive: true });
  for (const name of ['a', 'b', 'd/c', 'd/e/f']) write(name);
});
afterEach(() => rmSync(base, { recursive: true }));

/** Long ago, so that its look is no doubtful one. */
function write(name: string, text: string = name, seconds = 1e9): void {
  writeFileSync(path.join(base, name), text);
  utimesSync(path.join(base, name), seconds, seconds);
}

function tree(more: Partial<ConstructorParameters<typeof Matcher>[0]> = {}): HostTree {
  const rule = { path: base, ignore: [], include: [], gitignore: false, ...more };
  return new HostTree(base, new Matcher(rule));
}

/** What a look at these paths finds, as words. */
function found(one: HostTree, ...names: string[]): string[] {
  const changes = one.refresh(new Set(names.map((name) => path.join(base, name))));
  return changes.map(({ type, kind, path: at }) => `${type} ${kind} ${path.relative(base, at)}`).toSorted();
}

test('what looks the same has not changed, whatever events say', () => {
  const one = tree();
  expect(found(one, 'a', 'd', 'd/c', 'nothing', '.')).toEqual([]);
  write('a', 'b', 1e9);
  expect(found(one, 'a')).toEqual([]);
});

test('contents, rights and kinds are changes', () => {
  const one = tree();
  write('a', 'longer text');
  chmodSync(path.join(base, 'b'), 0o755);
  rmSync(path.join(base, 'd/c'));
  symlinkSync('../a', path.join(base, 'd/c'));
  expect(found(one, 'a', 'b', 'd/c')).toEqual([
    'changed file a',
    'changed file b',
    'created link d/c',
    'deleted file d/c',
  ]);
});

test('two writes within a tick of the clock are two changes', () => {
  writeFileSync(path.join(base, 'a'), 'one');
  const one = tree();
  // As if the next write had got the same time.
  const now = Date.now() / 1000;
  utimesSync(path.join(base, 'a'), now, now);
  found(one, 'a');
  expect(found(one, 'a')).toEqual(['changed file a']);
  expect(readFileSync(path.join(base, 'a'), 'utf8')).toBe('one');
});

test('an event about a path in a new directory finds all of it, and a rename is delete and create', () => {
  const one = tree();
  renameSync(path.join(base, 'd'), path.join(base, 'x'));
  expect(found(one, 'd', 'x/e/f')).toEqual([
    'created directory x',
    'created directory x/e',
    'created file x/c',
    'created file x/e/f',
    'deleted directory d',
    'deleted directory d/e',
    'deleted file d/c',
    'deleted file d/e/f',
  ]);
});

test('a great number of doubts is a look at everything', () => {
  const one = tree();
  write('unheard of');
  rmSync(path.join(base, 'd'), { recursive: true });
  const many = Array.from({ length: 2001 }, (_, index) => `nothing/${index}`);
  expect(found(one, ...many)).toEqual([
    'created file unheard of',
    'deleted directory d',
    'deleted directory d/e',
    'deleted file d/c',
    'deleted file d/e/f',
  ]);
});

test('an edit of a .gitignore takes files out and in', () => {
  mkdirSync(path.join(base, '.git'));
  writeFileSync(path.join(base, '.gitignore'), 'd/\n');
  const one = tree({ gitignore: true });
  expect([...one.looks.keys()].map((name) => path.relative(base, name)).toSorted()).toEqual([
    '',
    '.gitignore',
    'a',
    'b',
  ]);
  writeFileSync(path.join(base, '.gitignore'), 'a\n');
  expect(found(one, '.gitignore')).toEqual([
    'changed file .gitignore',
    'created directory d',
    'created directory d/e',
    'created file d/c',
    'created file d/e/f',
    'deleted file a',
  ]);
});

test('the .gitignore files above count up to the repository', () => {
  mkdirSync(path.join(base, '.git'));
  writeFileSync(path.join(base, '.gitignore'), 'f\n');
  const rule = { path: path.join(base, 'd'), ignore: [], include: [], gitignore: true };
  const one = new HostTree(rule.path, new Matcher(rule));
  expect([...one.looks.keys()].map((name) => path.relative(base, name))).toEqual(['d', 'd/e', 'd/c']);
});

test('a path that is not there yet is found when it comes, and missed when it goes', () => {
  const rule = { path: path.join(base, 'later'), ignore: [], include: [], gitignore: false };
  const one = new HostTree(rule.path, new Matcher(rule));
  expect(one.kind).toBeUndefined();
  write('later');
  expect(found(one, 'later')).toEqual(['created file later']);
  expect(one.kind).toBe('file');
  rmSync(path.join(base, 'later'));
  expect(found(one, 'later')).toEqual(['deleted file later']);
});

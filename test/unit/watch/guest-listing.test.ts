import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Look } from '../../../src/watch/changes.ts';
import { syncPlace } from '../../../src/watch/decide.ts';
import { compareTrees, listingScript, parseListing } from '../../../src/watch/guest-listing.ts';
import { HostTree } from '../../../src/watch/host-tree.ts';
import { Matcher } from '../../../src/watch/matcher.ts';

let base = '';
beforeAll(() => {
  base = mkdtempSync(path.join(os.tmpdir(), 'kr-list-'));
  for (const side of ['host', 'guest']) {
    mkdirSync(path.join(base, side, 'd'), { recursive: true });
    mkdirSync(path.join(base, side, 'node_modules'));
    for (const name of ['a', "d/it's odd", 'd/ü']) writeFileSync(path.join(base, side, name), 'one');
    for (const name of ['a', "d/it's odd", 'd/ü']) utimesSync(path.join(base, side, name), 1e9, 1e9);
  }
});
afterAll(() => rmSync(base, { recursive: true }));

function list(directory: string, name: string): ReturnType<typeof parseListing> {
  const script = listingScript(['node_modules']);
  return parseListing(execFileSync('/bin/sh', ['-c', script, 'sh', directory, name], { encoding: 'utf8' }));
}

function compare(): { changes: string[]; extra: readonly string[] } {
  const root = path.join(base, 'host');
  const matcher = new Matcher({ path: root, ignore: [], include: [], gitignore: false });
  const { looks } = new HostTree(root, matcher);
  const listing = list(path.join(base, 'guest'), '') ?? new Map();
  const place = syncPlace('/app', 'directory');
  const { changes, extra } = compareTrees(looks, listing, { path: root, place });
  return { changes: changes.map((change) => `${change.type} ${path.relative(root, change.path)}`), extra };
}

test('equal trees have no difference; what differs, lacks or is too much is found', () => {
  expect(compare()).toEqual({ changes: [], extra: [] });
  writeFileSync(path.join(base, 'guest', 'a'), 'other');
  writeFileSync(path.join(base, 'host', 'new'), '');
  mkdirSync(path.join(base, 'guest', 'old'));
  symlinkSync('x', path.join(base, 'guest', 'old', 'l'));
  expect(compare()).toEqual({ changes: ['created new', 'changed a'], extra: ['old', 'old/l'] });
});

test('one file is listed alone, and one that is not there is an empty list', () => {
  const listing = list(path.join(base, 'guest', 'd'), 'ü');
  expect([...(listing ?? [])]).toEqual([['ü', { kind: 'file', mode: 0o644, size: 3, mtimeSeconds: 1e9 }]]);
  expect(list(path.join(base, 'guest', 'd'), 'none')?.size).toBe(0);
  expect(list(path.join(base, 'none'), '')?.size).toBe(0);
});

test('a listing without its end is none', () => {
  expect(parseListing('81a4 3 5 ./a\n')).toBeUndefined();
  expect(parseListing('')).toBeUndefined();
});

test('names with line breaks are sent again', () => {
  const look: Look = { kind: 'file', mode: 0o644, size: 3, mtimeMs: 5000, inode: 1, isFresh: false };
  const listing = parseListing('81a4 3 5 ./a\nb\nend/\n') ?? new Map();
  const looks = new Map([['/p/a\nb', look]]);
  const place = syncPlace('/app', 'directory');
  expect(compareTrees(looks, listing, { path: '/p', place }).changes).toHaveLength(1);
});

import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { watchFiles } from '../../../src/watch/file-events.ts';
import { ProjectFiles } from '../../../src/watch/project-files.ts';

function temporary(): string {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'kr-events-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
}

interface Watching {
  /** How often everything has been watched, at first or again. */
  readonly times: () => number;
  readonly doubts: Set<string>;
}

function watching(root: string): Watching {
  let times = 0;
  const doubts = new Set<string>();
  const events = watchFiles(root, {
    ignores: () => false,
    onReady: () => (times += 1),
    onDoubt: (file) => doubts.add(file),
    onTrouble: () => undefined,
  });
  onTestFinished(() => events.close());
  return { times: () => times, doubts };
}

test('what is in directories that come is told without watching everything anew, and links are no reason for that', async () => {
  const directory = temporary();
  const inside = (name: string): string => path.join(directory, name);
  for (const name of ['linked', 'growing']) mkdirSync(inside(name));
  writeFileSync(inside('linked/file'), '');
  symlinkSync('file', inside('linked/link'));
  symlinkSync('linked/file', inside('link'));
  const [linked, link, growing] = ['linked', 'link', 'growing'].map((name) => watching(inside(name)));
  for (const name of ['growing/1', 'growing/1/2', 'growing/3']) {
    mkdirSync(inside(`${name}/deep`), { recursive: true });
    writeFileSync(inside(`${name}/deep/file`), 'at once');
    await expect.poll(() => growing?.doubts.has(inside(`${name}/deep/file`)), { timeout: 10_000 }).toBe(true);
    growing?.doubts.clear();
    writeFileSync(inside(`${name}/deep/file`), 'later');
    await expect.poll(() => growing?.doubts.has(inside(`${name}/deep/file`)), { timeout: 10_000 }).toBe(true);
  }
  expect([linked, link, growing].map((one) => one?.times())).toEqual([1, 1, 1]);
});

test('a root that is a link, or is replaced, is watched anew', async () => {
  const directory = temporary();
  const inside = (name: string): string => path.join(directory, name);
  for (const name of ['a', 'b', 'b/c']) mkdirSync(inside(name));
  symlinkSync('a', inside('link'));
  const [link, replaced] = [watching(inside('link')), watching(inside('a'))];
  await expect.poll(() => [link.times(), replaced.times()]).toEqual([1, 1]);
  symlinkSync('b', inside('other'));
  renameSync(inside('other'), inside('link'));
  await expect.poll(link.times, { timeout: 10_000 }).toBe(2);
  expect(link.doubts).toEqual(new Set([inside('link')]));
  renameSync(inside('a'), inside('old'));
  renameSync(inside('b'), inside('a'));
  await expect.poll(replaced.times, { timeout: 10_000 }).toBeGreaterThan(1);
  writeFileSync(inside('a/c/file'), '');
  await expect.poll(() => replaced.doubts.has(inside('a/c/file')), { timeout: 10_000 }).toBe(true);
});

test('an edit of a project that comes before its files are watched is taken up', async () => {
  const file = path.join(temporary(), 'krun.yaml');
  writeFileSync(file, 'before');
  let edits = 0;
  const files = new ProjectFiles({ onEdit: async () => void (edits += 1), onTrouble: () => undefined });
  onTestFinished(() => files.close());
  const watched = files.watchOnly([file]);
  writeFileSync(file, 'after');
  await watched;
  await expect.poll(() => edits, { timeout: 10_000 }).toBe(1);
});

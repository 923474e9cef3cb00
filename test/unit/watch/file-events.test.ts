import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
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

/** How often what is there has been watched, at first or again. */
function watchings(root: string): () => number {
  let times = 0;
  const events = watchFiles(root, {
    ignores: () => false,
    onReady: () => (times += 1),
    onDoubt: () => undefined,
    onTrouble: () => undefined,
  });
  onTestFinished(() => events.close());
  return () => times;
}

test('links are no reason to watch everything anew', async () => {
  const directory = temporary();
  mkdirSync(path.join(directory, 'linked'));
  mkdirSync(path.join(directory, 'growing'));
  writeFileSync(path.join(directory, 'linked/file'), '');
  symlinkSync('file', path.join(directory, 'linked/link'));
  symlinkSync('linked/file', path.join(directory, 'link'));
  const linked = watchings(path.join(directory, 'linked'));
  const link = watchings(path.join(directory, 'link'));
  const growing = watchings(path.join(directory, 'growing'));
  for (const wanted of [2, 3]) {
    await expect.poll(growing, { timeout: 10_000 }).toBe(wanted - 1);
    mkdirSync(path.join(directory, `growing/${wanted}`));
    await expect.poll(growing, { timeout: 10_000 }).toBe(wanted);
  }
  expect({ linked: linked(), link: link() }).toEqual({ linked: 1, link: 1 });
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

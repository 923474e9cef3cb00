import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { temporaryName } from '../../../src/host/atomic-file.ts';
import { machineLayout, projectLayout } from '../../../src/store/layout.ts';
import { removeTemporaryFiles } from '../../../src/supervisor/machine-files.ts';

test('halves of files that a killed supervisor was writing go, those of secrets too', async () => {
  const base = mkdtempSync(path.join(os.tmpdir(), 'krun-files-'));
  onTestFinished(() => rmSync(base, { recursive: true }));
  const layout = projectLayout(base, undefined, { XDG_RUNTIME_DIR: path.join(base, 'run') }, 0);
  for (const directory of [layout.disksDirectory, layout.runtimeDirectory])
    mkdirSync(directory, { recursive: true });
  const { guestFiles } = machineLayout(layout, 'a.tmp');
  const halves = [layout.projectFile, layout.grantsFile, guestFiles].map(temporaryName);
  for (const file of [...halves, layout.grantsFile, guestFiles]) writeFileSync(file, '');
  await removeTemporaryFiles(layout);
  expect(halves.filter((file) => existsSync(file))).toEqual([]);
  // One is the whole file of a machine with such a name.
  expect([layout.grantsFile, guestFiles].every((file) => existsSync(file))).toBe(true);
});

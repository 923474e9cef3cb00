import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ok } from '../../../src/base/result.ts';
import { QUIET_MS } from '../../../src/watch/gathering.ts';
import { MachineWatch } from '../../../src/watch/machine-watch.ts';
import { machineDefinition } from '../../support/definitions.ts';

/** Rules of one machine that restart it when a file of theirs changes, with the times at which they did. */
function watched() {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'kr-watch-'));
  const file = path.join(directory, 'a');
  writeFileSync(file, '');
  const rule = { path: directory, action: 'restart', ignore: [], include: [], gitignore: false } as const;
  const restartsMs: number[] = [];
  const watch = new MachineWatch({
    machine: machineDefinition('web', { watch: [{ ...rule, initialSync: false }] }),
    controlSocket: path.join(directory, 'none'),
    directory,
    isPruning: false,
    report: () => undefined,
    again: async () => {
      restartsMs.push(Date.now());
      return ok(undefined);
    },
  });
  onTestFinished(async () => {
    await watch.close();
    rmSync(directory, { recursive: true });
  });
  return { watch, file, restartsMs };
}

test('a file that is being written is left alone also while new runs are seen', async () => {
  const { watch, file, restartsMs } = watched();
  await watch.ready;
  const writtenMs = Date.now();
  writeFileSync(file, 'half of it');
  let run = 0;
  const restarts = (): number => {
    watch.see({ run: (run += 1), isStoppedByUser: false });
    return restartsMs.length;
  };
  await expect.poll(restarts, { timeout: 10_000, interval: 10 }).toBe(1);
  expect(restartsMs[0]).toBeGreaterThanOrEqual(writtenMs + QUIET_MS);
});

test('what changes before the watching has begun is a change', async () => {
  const { watch, file, restartsMs } = watched();
  watch.see({ run: 1, isStoppedByUser: false });
  writeFileSync(file, 'changed');
  await expect.poll(() => restartsMs.length, { timeout: 10_000 }).toBe(1);
});

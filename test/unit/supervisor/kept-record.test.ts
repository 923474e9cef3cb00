import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { machineLayout, projectLayout } from '../../../src/store/layout.ts';
import { readMachineRecord } from '../../../src/store/record-files.ts';
import { newRecord } from '../../../src/store/records.ts';
import { KeptRecord } from '../../../src/supervisor/kept-record.ts';
import { machineDefinition } from '../../support/definitions.ts';

test('who waits for a state finds it on disk, also where it came before the waiting', async () => {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'krun-kept-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const layout = projectLayout(directory, undefined, { XDG_RUNTIME_DIR: path.join(directory, 'run') }, 0);
  await mkdir(path.dirname(machineLayout(layout, 'web').recordFile), { recursive: true });
  const warnings: string[] = [];
  const record = newRecord(machineDefinition('web'), 'hash', '2026-11-20T10:00:00.000Z');
  const kept = new KeptRecord(layout, record, {
    changed: () => {},
    warn: (message) => warnings.push(message),
  });
  const state = { status: 'running', run: 1, since: '2026-11-20T10:00:00.000Z' } as const;
  void kept.set({ state });
  await kept.until(({ status }) => status === 'running', new AbortController().signal);
  expect(await readMachineRecord(layout, 'web')).toMatchObject({ ok: true, value: { state } });
  expect(warnings).toEqual([]);
});

import { EventEmitter } from 'node:events';
import type fs from 'node:fs';
import os from 'node:os';
import { expect, onTestFinished, test, vi } from 'vitest';
import { watchFiles } from '../../../src/watch/file-events.ts';

const made = vi.hoisted((): EventEmitter[] => []);

vi.mock('node:fs', async (original) => ({
  ...(await original<typeof fs>()),
  watch: () => {
    const watcher = Object.assign(new EventEmitter(), { close: () => undefined });
    made.push(watcher);
    return watcher;
  },
}));

test('an error that comes after watching has begun, as of FSEvents, ends nothing: files are looked at every second', async () => {
  let times = 0;
  const troubles: string[] = [];
  const events = watchFiles(os.tmpdir(), {
    ignores: () => true,
    onReady: () => (times += 1),
    onDoubt: () => undefined,
    onTrouble: (message) => troubles.push(message),
  });
  onTestFinished(() => events.close());
  await events.ready;
  expect([made.length, times, troubles]).toEqual([1, 1, []]);
  made[0]?.emit('error', Object.assign(new Error('too many open files'), { code: 'EMFILE' }));
  await expect.poll(() => times, { timeout: 10_000 }).toBeGreaterThan(2);
  expect(made).toHaveLength(1);
  expect(troubles).toEqual([
    `cannot watch all of ${os.tmpdir()}: too many open files or inotify instances; looking every 1000 ms instead`,
  ]);
});

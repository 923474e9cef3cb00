import { expect, test } from 'vitest';
import { processUsage, usageOfProc, usageOfPs } from '../../../src/host/process-usage.ts';

const STAT = '7 (a) b (c) S 1 7 7 0 -1 4194304 900 0 0 0 150 50 9 9 20 0 4 0 100 5000 800 1844 1 1';

test('usage is read from proc, whatever the name of the process', () => {
  expect(usageOfProc(STAT, 'Name:\ta\nVmRSS:\t    2048 kB\nThreads:\t4\n')).toEqual({
    cpuMs: 2000,
    residentBytes: 2048 * 1024,
  });
});

test('a zombie has no usage', () => {
  expect(usageOfProc(STAT, 'Name:\ta\nState:\tZ (zombie)\n')).toBeUndefined();
});

test.each([
  [' 2048   0:01.50\n', 1500],
  ['2048 12:34:56\n', 45_296_000],
  ['2048 1-00:00:01\n', 86_401_000],
])('usage is read from ps: %j', (text, cpuMs) => {
  expect(usageOfPs(text)).toEqual({ cpuMs, residentBytes: 2048 * 1024 });
});

test('a process has used something, and one that does not exist nothing', async () => {
  const usage = await processUsage(process.pid);
  expect(usage?.cpuMs).toBeGreaterThan(0);
  expect(usage?.residentBytes).toBeGreaterThan(1024 ** 2);
  expect(await processUsage(2 ** 22 + 1)).toBeUndefined();
});

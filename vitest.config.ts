import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  define: { __KRUN_VERSION__: JSON.stringify('0.0.0-test') },
  test: {
    maxConcurrency: 2,
    // More than vitest takes by itself on a small machine: rig tests wait for processes most of the time.
    maxWorkers: Math.max(2, availableParallelism()) + 1,
    // A condition is waited for until the test's own time is over; the usual second is short on a busy machine.
    expect: { poll: { timeout: 30_000 } },
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['test/unit/**/*.test.ts'], pool: 'threads', testTimeout: 30_000 },
      },
      {
        extends: true,
        test: {
          name: 'rig',
          include: ['test/rig/**/*.test.ts'],
          pool: 'forks',
          testTimeout: 120_000,
          hookTimeout: 120_000,
          globalSetup: ['test/rig/support/setup.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});

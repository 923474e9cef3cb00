import { describe, expect, test } from 'vitest';
import type { Exit } from '../../../src/plan/machine-state.ts';
import { afterExit, type ExitHistory, exitText, restartDelayMs } from '../../../src/plan/restart.ts';
import type { RestartPolicy } from '../../../src/project/project.ts';

const FIRST: ExitHistory = { attempt: 0, ranMs: 50, stoppedByUser: false, kind: 'service' };
const restart = { next: 'restart', delayMs: 100, attempt: 1 };
const ended = { next: 'exited' };

describe('after an exit', () => {
  test.each<[string, RestartPolicy, Exit, typeof restart | typeof ended]>([
    ['no leaves a failure', { policy: 'no' }, { code: 1 }, ended],
    ['always restarts a failure', { policy: 'always' }, { code: 1 }, restart],
    ['always restarts a success', { policy: 'always' }, { code: 0 }, restart],
    ['unless-stopped restarts a success', { policy: 'unless-stopped' }, { code: 0 }, restart],
    ['on-failure restarts a failure', { policy: 'on-failure' }, { code: 1 }, restart],
    ['on-failure leaves a success', { policy: 'on-failure' }, { code: 0 }, ended],
    ['on-failure restarts after an unknown exit code', { policy: 'on-failure' }, { code: null }, restart],
    [
      'on-failure restarts after a signal',
      { policy: 'on-failure' },
      { code: null, signal: 'SIGKILL' },
      restart,
    ],
  ])('%s', (_, policy, exit, decision) => {
    expect(afterExit(policy, exit, FIRST)).toEqual(decision);
  });

  test.each<RestartPolicy>([{ policy: 'always' }, { policy: 'unless-stopped' }, { policy: 'on-failure' }])(
    '$policy does not restart what the user stopped',
    (policy) => {
      expect(afterExit(policy, { code: 1 }, { ...FIRST, stoppedByUser: true })).toEqual(ended);
    },
  );

  test('a task that is done is never restarted, one that failed by its policy', () => {
    const task: ExitHistory = { ...FIRST, kind: 'task' };
    expect(afterExit({ policy: 'always' }, { code: 0 }, task)).toEqual(ended);
    expect(afterExit({ policy: 'on-failure', maxRetries: 1 }, { code: 3 }, task)).toEqual(restart);
    expect(afterExit({ policy: 'no' }, { code: 3 }, task)).toEqual(ended);
  });
});

/** Delays of the restarts of a machine that always fails after the given time, up to twenty. */
function delays(policy: RestartPolicy, ranMs: number): readonly number[] {
  const seen: number[] = [];
  let attempt = 0;
  while (seen.length < 20) {
    const decision = afterExit(policy, { code: 7 }, { ...FIRST, attempt, ranMs });
    if (decision.next === 'exited') break;
    seen.push(decision.delayMs);
    ({ attempt } = decision);
  }
  return seen;
}

describe('the back-off', () => {
  test('doubles from 100 ms to a minute', () => {
    expect(delays({ policy: 'always' }, 50).slice(0, 12)).toEqual([
      100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 60_000,
    ]);
    expect(restartDelayMs(1_000_000)).toBe(60_000);
  });

  test('begins anew after ten seconds of running', () => {
    expect(new Set(delays({ policy: 'always' }, 10_000))).toEqual(new Set([100]));
    expect(afterExit({ policy: 'always' }, { code: 1 }, { ...FIRST, attempt: 9, ranMs: 9999 })).toEqual({
      next: 'restart',
      delayMs: 51_200,
      attempt: 10,
    });
  });

  test.each([1, 2, 5])('of on-failure:%d ends after exactly that many restarts', (maxRetries) => {
    expect(delays({ policy: 'on-failure', maxRetries }, 50)).toHaveLength(maxRetries);
    expect(delays({ policy: 'on-failure', maxRetries }, 60_000)).toHaveLength(maxRetries);
  });
});

test.each<[Exit, string]>([
  [{ code: 0 }, 'exited (0)'],
  [{ code: 7 }, 'exited (7)'],
  [{ code: null }, 'exited (?)'],
  [{ code: null, signal: 'SIGKILL' }, 'exited (SIGKILL)'],
])('%j is written %s', (exit, text) => {
  expect(exitText(exit)).toBe(text);
});

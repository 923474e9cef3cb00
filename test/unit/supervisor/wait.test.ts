import { expect, test } from 'vitest';
import type { WaitCondition } from '../../../src/plan/action.ts';
import type { MachineState } from '../../../src/plan/machine-state.ts';
import { verdict } from '../../../src/supervisor/actions/wait.ts';

const since = '2026-01-01T00:00:00.000Z';
const run = 1;
const exited = (code: number | null): MachineState => ({ status: 'exited', run, since, exit: { code } });
const states: Readonly<Record<string, MachineState>> = {
  created: { status: 'created' },
  starting: { status: 'starting', run, since },
  running: { status: 'running', run, since },
  ...Object.fromEntries(
    (['starting', 'healthy', 'unhealthy'] as const).map((status) => [
      `running, ${status}`,
      { status: 'running', run, since, health: { status, since, wasHealthy: false, failures: 0 } },
    ]),
  ),
  stopping: { status: 'stopping', run, since },
  restarting: { status: 'restarting', run, since, exit: { code: 1 }, attempt: 1, nextAt: since },
  'exited 0': exited(0),
  'exited 7': exited(7),
  'exited ?': exited(null),
  failed: { status: 'failed', run, since, reason: 'no kernel' },
};

function table(
  condition: WaitCondition,
  kind: 'service' | 'task',
  wasHealthy = false,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(states).map(([name, state]) => {
      const result = verdict(state, { condition, kind, wasHealthy });
      return [name, typeof result === 'string' ? result : result.failed];
    }),
  );
}

test('started is met by everything that came up once', () => {
  expect(table('started', 'service')).toEqual({
    created: 'was not started',
    starting: 'wait',
    running: 'met',
    'running, starting': 'met',
    'running, healthy': 'met',
    'running, unhealthy': 'met',
    stopping: 'wait',
    restarting: 'met',
    'exited 0': 'met',
    'exited 7': 'met',
    'exited ?': 'met',
    failed: 'failed: no kernel',
  });
});

test('completed_successfully is met by exit code 0 alone', () => {
  expect(table('completed_successfully', 'task')).toEqual({
    created: 'was not started',
    starting: 'wait',
    running: 'wait',
    'running, starting': 'wait',
    'running, healthy': 'wait',
    'running, unhealthy': 'wait',
    stopping: 'wait',
    restarting: 'wait',
    'exited 0': 'met',
    'exited 7': 'exited (7)',
    'exited ?': 'exited (?)',
    failed: 'failed: no kernel',
  });
});

test('--wait is met by a service that runs and by a task that is done', () => {
  expect(table('running_or_completed', 'service')['running']).toBe('met');
  expect(table('running_or_completed', 'task')['running']).toBe('wait');
  expect(table('running_or_completed', 'task')['exited 0']).toBe('met');
  expect(table('running_or_completed', 'service')['restarting']).toBe('wait');
});

test('healthy is met by a machine whose health check has succeeded, for as long as it runs', () => {
  expect(table('healthy', 'service', true)).toEqual({
    created: 'was not started',
    starting: 'wait',
    running: 'has no health check to wait for',
    'running, starting': 'wait',
    'running, healthy': 'met',
    'running, unhealthy': 'is unhealthy',
    stopping: 'wait',
    restarting: 'wait',
    'exited 0': 'exited (0)',
    'exited 7': 'exited (7)',
    'exited ?': 'exited (?)',
    failed: 'failed: no kernel',
  });
  expect(table('healthy', 'service', false)['exited 0']).toBe('exited (0) before it was healthy');
});

test('log_ready stays met when the machine has ended well', () => {
  expect(table('log_ready', 'task', true)).toMatchObject({
    'running, starting': 'wait',
    'running, healthy': 'met',
    'running, unhealthy': 'is unhealthy',
    'exited 0': 'met',
    'exited 7': 'exited (7)',
  });
  expect(table('log_ready', 'task', false)['exited 0']).toBe(
    'exited (0) before its log said that it is ready',
  );
});

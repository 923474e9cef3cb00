import { expect, test } from 'vitest';
import { firstHealth } from '../../../src/plan/health.ts';
import type { ProbeResult } from '../../../src/supervisor/health-judgement.ts';
import { HealthMonitor } from '../../../src/supervisor/health-monitor.ts';

const CHECK = {
  probe: { kind: 'tcp', port: 80 },
  intervalMs: 1000,
  startIntervalMs: 100,
  timeoutMs: 1000,
  startPeriodMs: 60_000,
  retries: 2,
  liveness: false,
} as const;
const good: ProbeResult = { ok: true };
const bad: ProbeResult = { ok: false, failure: { message: 'refused' } };

/** A monitor whose probes and pauses end when the test says so; both are in `happened`. */
function monitored(machine = 'web', isAdopted = false) {
  const happened: (number | 'probe')[] = [];
  let end: (result: ProbeResult) => void = () => undefined;
  let wake: () => void = () => undefined;
  const monitor = new HealthMonitor({
    machine,
    check: CHECK,
    startedAtMs: Date.now(),
    health: firstHealth(new Date().toISOString()),
    isAdopted,
    probe: () => {
      happened.push('probe');
      return new Promise((resolve) => (end = resolve));
    },
    judged: () => undefined,
    pause: (timeMs) => {
      happened.push(timeMs);
      return new Promise((resolve) => (wake = resolve));
    },
    failed: (error) => {
      throw error;
    },
  });
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return {
    monitor,
    happened,
    answer: (result: ProbeResult) => {
      end(result);
      return settle();
    },
    wake: () => {
      wake();
      return settle();
    },
  };
}

test('probes and pauses take turns, so that a slow probe is never overtaken by the next one', async () => {
  const { monitor, happened, answer, wake } = monitored();
  await answer(bad);
  await wake();
  await answer(bad);
  await wake();
  await answer(good);
  await wake();
  await answer(good);
  const [first, pause, ...rest] = happened;
  expect([first, pause]).toEqual(['probe', expect.toSatisfy((ms: number) => ms >= 50 && ms < 100)]);
  expect(rest).toEqual(['probe', 100, 'probe', expect.toSatisfy((ms: number) => ms >= 500), 'probe', 1000]);
  monitor.stop();
  await wake();
  expect(happened).toHaveLength(8);
});

test('machines that get healthy at one moment are probed at different ones from then on', async () => {
  const moments = new Set<unknown>();
  for (const machine of ['a', 'b', 'c', 'd', 'e']) {
    const { monitor, happened, answer } = monitored(machine);
    await answer(good);
    monitor.stop();
    moments.add(happened[1]);
  }
  expect(moments.size).toBe(5);
});

test('a machine that a new supervisor takes over is probed soon, and not with all others at once', () => {
  const [a, b] = [monitored('a', true), monitored('b', true)];
  expect(a.happened[0]).toBeLessThan(1000);
  expect(b.happened[0]).not.toBe(a.happened[0]);
});

import { expect, test } from 'vitest';
import { firstHealth, type Health } from '../../../src/plan/health.ts';
import { afterProbe, probeDelayMs, type ProbeResult } from '../../../src/supervisor/health-judgement.ts';

const START = Date.parse('2026-01-01T00:00:00.000Z');
const CHECK = { intervalMs: 10_000, startIntervalMs: 200, startPeriodMs: 5000, retries: 3 };
const good: ProbeResult = { ok: true };
const bad: ProbeResult = { ok: false, failure: { message: 'refused' } };

/** Health after probes at so many seconds since the start, as `status failures`. */
function life(...probes: readonly (readonly [seconds: number, result: ProbeResult])[]): string[] {
  let health: Health = firstHealth(new Date(START).toISOString());
  return probes.map(([seconds, result]) => {
    health = afterProbe(CHECK, health, result, { startedAtMs: START, nowMs: START + seconds * 1000 });
    return `${health.status} ${health.failures}`;
  });
}

test('before the first success a machine is unhealthy only after its start period and all of its retries', () => {
  expect(life([0, bad], [10, bad], [34.9, bad], [35, bad])).toEqual([
    'starting 1',
    'starting 2',
    'starting 3',
    'unhealthy 4',
  ]);
});

test('after the first success so many failures in a row make it unhealthy, also in the start period', () => {
  expect(life([0, good], [1, bad], [2, bad], [3, good], [4, bad], [4.1, bad], [4.2, bad])).toEqual([
    'healthy 0',
    'healthy 1',
    'healthy 2',
    'healthy 0',
    'healthy 1',
    'healthy 2',
    'unhealthy 3',
  ]);
});

test('one success makes it healthy again', () => {
  expect(life([40, bad], [50, good], [60, bad])).toEqual(['unhealthy 1', 'healthy 0', 'healthy 1']);
});

test('health says since when it is so, and what the last failure was', () => {
  const at = (seconds: number) => ({ startedAtMs: START, nowMs: START + seconds * 1000 });
  const healthy = afterProbe(CHECK, firstHealth('2026-01-01T00:00:00.000Z'), good, at(1));
  const failing = afterProbe(CHECK, healthy, bad, at(7));
  expect(failing).toEqual({
    status: 'healthy',
    since: '2026-01-01T00:00:01.000Z',
    wasHealthy: true,
    failures: 1,
    lastFailure: { at: '2026-01-01T00:00:07.000Z', message: 'refused' },
  });
  expect(afterProbe(CHECK, failing, good, at(9))).toEqual(healthy);
});

test('probes come fast until it is known how the machine is', () => {
  const health = firstHealth('2026-01-01T00:00:00.000Z');
  expect(probeDelayMs(CHECK, health)).toBe(200);
  expect(probeDelayMs(CHECK, { ...health, status: 'healthy' })).toBe(10_000);
  expect(probeDelayMs(CHECK, { ...health, status: 'unhealthy' })).toBe(10_000);
});

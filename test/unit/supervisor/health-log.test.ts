import { expect, test, vi } from 'vitest';
import { firstHealth, type Health } from '../../../src/plan/health.ts';
import type { LogLine } from '../../../src/store/records.ts';
import { LogWatch } from '../../../src/supervisor/health-log.ts';

const CHECK = {
  probe: { kind: 'log', pattern: '^ready\\b' },
  intervalMs: 1000,
  startIntervalMs: 100,
  timeoutMs: 1000,
  startPeriodMs: 500,
  retries: 2,
  liveness: false,
} as const;

function line(l: string, more: Partial<LogLine> = {}): LogLine {
  return { t: '2026-01-01T00:00:00.000Z', r: 1, s: 'stdout', l, o: [0, 0, 0, 0], ...more };
}

function watch(): { readonly log: LogWatch; readonly judged: Health[] } {
  const judged: Health[] = [];
  const startedAtMs = Date.now();
  const log = new LogWatch({
    check: CHECK,
    pattern: CHECK.probe.pattern,
    logFile: '/nowhere/log.jsonl',
    run: 1,
    startedAtMs,
    health: firstHealth(new Date(startedAtMs).toISOString()),
    judged: (health) => judged.push(health),
  });
  return { log, judged };
}

test('the first line that matches is enough, also one that is stored in pieces', () => {
  const { log, judged } = watch();
  log.see([line('not ready yet'), line('rea', { p: true }), line('other', { s: 'stderr' }), line('dy now')]);
  log.see([line('ready again')]);
  expect(judged.map(({ status }) => status)).toEqual(['healthy']);
  log.stop();
});

test('what the programs of a network say does not count', () => {
  const { log, judged } = watch();
  log.see([line('ready', { s: 'helper' }), line('ready', { s: 'network' })]);
  expect(judged).toEqual([]);
  log.stop();
});

test('a machine that has not said it when its time is over is unhealthy, until it does', () => {
  vi.useFakeTimers();
  try {
    const { log, judged } = watch();
    vi.advanceTimersByTime(2400);
    expect(judged).toEqual([]);
    vi.advanceTimersByTime(200);
    expect(judged.map(({ status }) => status)).toEqual(['unhealthy']);
    log.see([line('ready at last')]);
    expect(judged.at(-1)).toMatchObject({ status: 'healthy', failures: 0 });
  } finally {
    vi.useRealTimers();
  }
});

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { hasSlept } from '../../../src/machine/clock-watch.ts';
import { OutputWatch } from '../../../src/machine/output-watch.ts';

describe('the output of a command that has ended', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  function watch(): { readonly watch: OutputWatch; readonly calls: string[] } {
    const calls: string[] = [];
    return {
      watch: new OutputWatch(
        () => calls.push('overdue'),
        () => calls.push('hopeless'),
      ),
      calls,
    };
  }

  it('is not looked after before', () => {
    const { watch: output, calls } = watch();
    output.heard();
    vi.advanceTimersByTime(100_000);
    expect(calls).toEqual([]);
  });

  it('is overdue after some silence, more seldom each time, and hopeless after a minute', () => {
    const { watch: output, calls } = watch();
    output.start();
    vi.advanceTimersByTime(299);
    expect(calls).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(calls).toEqual(['overdue']);
    vi.advanceTimersByTime(600);
    expect(calls).toHaveLength(2);
    vi.advanceTimersByTime(50_000);
    expect(calls).not.toContain('hopeless');
    vi.advanceTimersByTime(30_000);
    expect(calls.slice(-1)).toEqual(['hopeless']);
    vi.advanceTimersByTime(100_000);
    expect(calls).toHaveLength(16);
  });

  it('that goes on and on is overdue after a second', () => {
    const { watch: output, calls } = watch();
    output.start();
    for (let ms = 0; ms < 990; ms += 10) {
      vi.advanceTimersByTime(10);
      output.heard();
    }
    expect(calls).toEqual([]);
    vi.advanceTimersByTime(10);
    expect(calls).toEqual(['overdue']);
  });

  it('may take any time that a slow client takes', () => {
    const { watch: output, calls } = watch();
    output.start();
    for (let round = 0; round < 100; round += 1) {
      output.pause();
      vi.advanceTimersByTime(60_000);
      output.resume();
      vi.advanceTimersByTime(1);
      output.heard();
    }
    expect(calls).toEqual([]);
  });

  it('is no longer looked after when it is complete', () => {
    const { watch: output, calls } = watch();
    output.start();
    output.stop();
    output.heard();
    output.pause();
    output.resume();
    vi.advanceTimersByTime(100_000);
    expect(calls).toEqual([]);
  });
});

describe('a host that slept', () => {
  const at = (withSleepMs: number, withoutSleepMs: number): Parameters<typeof hasSlept>[0] => ({
    withSleepMs,
    withoutSleepMs,
  });

  it('is known by the clock that went on', () => {
    expect(hasSlept(at(1000, 500), at(31_000, 30_500))).toBe(false);
    expect(hasSlept(at(1000, 500), at(32_400, 30_500))).toBe(false);
    expect(hasSlept(at(1000, 500), at(631_000, 30_500))).toBe(true);
  });
});

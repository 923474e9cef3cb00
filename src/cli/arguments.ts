import { InvalidArgumentError } from 'commander';

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `1h30m`, `10s`, `250ms` in milliseconds; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  if (!/^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    total += Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS];
  }
  return total;
}

/** Seconds as compose takes them (`10`), or a duration (`1m30s`); the value is in milliseconds. */
export function timeoutMs(text: string): number {
  const milliseconds = /^\d+$/.test(text) ? Number(text) * 1000 : parseDuration(text);
  // Timers of the supervisor hold 31 bits.
  if (milliseconds === undefined || milliseconds > 2_147_483_647) {
    throw new InvalidArgumentError('Give seconds, such as 10, or a duration, such as 1m30s.');
  }
  return milliseconds;
}

/** Number of lines, or `all`. */
export function lineCount(text: string): number | 'all' {
  if (text === 'all') return 'all';
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(Number(text))) {
    throw new InvalidArgumentError('Give a number of lines, or all.');
  }
  return Number(text);
}

/** A point in time as the user wrote it; relative ones count back from now, so they wait for the clock. */
export type TimePoint = { readonly at: string } | { readonly agoMs: number };

/** RFC 3339 date or time, Unix seconds, or how long ago: `10m`. */
export function timePoint(text: string): TimePoint {
  const agoMs = parseDuration(text);
  if (agoMs !== undefined) return { agoMs };
  if (/^\d+(\.\d+)?$/.test(text)) return { at: new Date(Number(text) * 1000).toISOString() };
  const parsed = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(parsed)) {
    throw new InvalidArgumentError(
      'Give a time, such as 2026-01-31T08:00:00Z, or how long ago, such as 10m.',
    );
  }
  return { at: new Date(parsed).toISOString() };
}

/** ISO 8601 in UTC, so that it compares with the times of records and logs. */
export function resolveTimePoint(point: TimePoint, nowMs: number): string {
  return 'at' in point ? point.at : new Date(nowMs - point.agoMs).toISOString();
}

/** A regular expression of JavaScript. */
export function regularExpression(text: string): RegExp {
  try {
    return new RegExp(text, 'u');
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new InvalidArgumentError(`${error.message}.`);
  }
}

const SIGNALS = new Map<number, string>([
  [1, 'SIGHUP'],
  [2, 'SIGINT'],
  [3, 'SIGQUIT'],
  [6, 'SIGABRT'],
  [9, 'SIGKILL'],
  [10, 'SIGUSR1'],
  [12, 'SIGUSR2'],
  [14, 'SIGALRM'],
  [15, 'SIGTERM'],
  [18, 'SIGCONT'],
  [28, 'SIGWINCH'],
]);

/** A signal for a guest, by name with or without `SIG`, or by its Linux number. */
export function signalName(text: string): string {
  const byNumber = /^\d+$/.test(text) ? SIGNALS.get(Number(text)) : undefined;
  const name = byNumber ?? `SIG${text.toUpperCase().replace(/^SIG/, '')}`;
  if (![...SIGNALS.values()].includes(name)) {
    throw new InvalidArgumentError(`Give one of ${[...SIGNALS.values()].join(', ')}.`);
  }
  return name;
}

/** Collects a repeatable option. */
export function collect(value: string, previous: readonly string[] | undefined): readonly string[] {
  return [...(previous ?? []), value];
}

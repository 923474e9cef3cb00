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

/** A point in time as the user wrote it; relative ones count back from now, so they wait for the clock. */
export type TimePoint = { readonly at: string } | { readonly agoMs: number };

/** ISO 8601 in UTC, so that it compares with the times of records and logs. */
export function resolveTimePoint(point: TimePoint, nowMs: number): string {
  return 'at' in point ? point.at : new Date(nowMs - point.agoMs).toISOString();
}

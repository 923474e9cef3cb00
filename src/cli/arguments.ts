import { InvalidArgumentError } from 'commander';
import { parseDuration, type TimePoint } from './time-point.ts';

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

/** A guest's port as `krun port` takes it. */
export type PortTarget =
  | { readonly guest: number; readonly protocol?: 'tcp' | 'udp' }
  | { readonly name: string };

/** `80`, `53/udp`, or what `name` says in krun.yaml. */
export function portTarget(text: string): PortTarget {
  const [, number, protocol] = /^(\d+)(?:\/(.*))?$/.exec(text) ?? [];
  if (number === undefined && text !== '') return { name: text };
  const guest = Number(number);
  if (
    !(guest >= 1 && guest <= 65_535) ||
    !(protocol === undefined || protocol === 'tcp' || protocol === 'udp')
  ) {
    throw new InvalidArgumentError("Give a port of the guest, such as 80 or 53/udp, or a port's name.");
  }
  return protocol === undefined ? { guest } : { guest, protocol };
}

/** Collects a repeatable option. */
export function collect(value: string, previous: readonly string[] | undefined): readonly string[] {
  return [...(previous ?? []), value];
}

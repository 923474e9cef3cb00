import { err, ok, type Result } from '../base/result.ts';

/** Why a text is no quantity, and what to write instead. */
export interface UnitMistake {
  readonly message: string;
  readonly hint: string;
}

export const MEBIBYTE: number = 1024 ** 2;

// Compose reads every size unit as a power of 1024, with or without the `i`.
const SIZE_POWERS: Readonly<Record<string, number>> = { '': 0, k: 1, m: 2, g: 3, t: 4, p: 5 };
const SIZE = /^(\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?$/i;
const SIZE_HINT = 'write a number and a unit, such as 512MiB or 1.5GiB';

/** Bytes of a size such as `512MiB`, `512M`, `1g` or `1.5GiB`; a bare number counts bytes. */
export function parseSize(value: string | number): Result<number, UnitMistake> {
  const text = String(value).trim();
  const match = SIZE.exec(text);
  if (!match) return err({ message: `"${text}" is not a size`, hint: SIZE_HINT });
  const power = SIZE_POWERS[(match[2] ?? '').toLowerCase()] ?? 0;
  const bytes = Math.round(Number(match[1]) * 1024 ** power);
  if (!Number.isSafeInteger(bytes)) {
    return err({ message: `the size "${text}" is too large`, hint: 'sizes end below 8 PiB' });
  }
  return ok(bytes);
}

const DURATION_MS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const DURATION = /^(?:\d+(?:\.\d+)?(?:us|ms|s|m|h))+$/;
const DURATION_PART = /(\d+(?:\.\d+)?)(us|ms|s|m|h)/g;
const DURATION_HINT = 'write numbers with units (h, m, s, ms), such as 10s, 1m30s or 500ms';

/** Milliseconds of a duration such as `1m30s` or `500ms`; the only bare number is 0. */
export function parseDuration(value: string | number): Result<number, UnitMistake> {
  const text = String(value).trim();
  if (text === '0') return ok(0);
  if (/^\d+(\.\d+)?$/.test(text)) {
    return err({ message: `the duration "${text}" has no unit`, hint: `did you mean \`${text}s\`?` });
  }
  if (!DURATION.test(text)) return err({ message: `"${text}" is not a duration`, hint: DURATION_HINT });
  let total = 0;
  for (const [, amount, unit] of text.matchAll(DURATION_PART)) {
    total += Number(amount) * (DURATION_MS[unit ?? ''] ?? 0);
  }
  const ms = Math.round(total);
  // Node's timers hold 31 bits; a longer wait would end at once.
  if (ms > 2 ** 31 - 1) {
    return err({ message: `the duration "${text}" is too long`, hint: 'durations end at 596 hours' });
  }
  return ok(ms);
}

const SIZE_UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** Largest unit that shows the size in whole numbers, or with one decimal at most. */
function sizeUnit(bytes: number): number {
  for (let power = SIZE_UNITS.length - 1; power > 0; power--) {
    if (bytes >= 1024 ** power && Number.isInteger((bytes * 10) / 1024 ** power)) return power;
  }
  return 0;
}

/** A size for people: `10 GiB`, `1.5 GiB`, `1000 bytes`. */
export function formatSize(bytes: number): string {
  const power = sizeUnit(bytes);
  return `${bytes / 1024 ** power} ${SIZE_UNITS[power]}`;
}

/** Two sizes in one unit where that loses nothing: `10 -> 20 GiB`. */
export function formatSizeChange(fromBytes: number, toBytes: number): string {
  const power = Math.min(sizeUnit(fromBytes), sizeUnit(toBytes));
  if (power === 0) return `${formatSize(fromBytes)} -> ${formatSize(toBytes)}`;
  return `${fromBytes / 1024 ** power} -> ${toBytes / 1024 ** power} ${SIZE_UNITS[power]}`;
}

/** A duration for people: `1m30s`, `500ms`, `0s`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s';
  if (ms < 1000) return `${ms}ms`;
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor((ms % 3_600_000) / 60_000);
  const seconds = (ms % 60_000) / 1000;
  return `${hours ? `${hours}h` : ''}${minutes ? `${minutes}m` : ''}${seconds ? `${seconds}s` : ''}`;
}

/** An age or a wait in its largest unit: `5s`, `2m`, `3h`, `4d`. */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

import type { Bool, Count } from '../config/schema.gen.ts';
import type { Result } from '../base/result.ts';
import type { Place } from './place.ts';
import { parseDuration, parseSize, type UnitMistake } from './units.ts';

/** The schema lets `true` through also as the text that a variable leaves behind. */
export function boolOr(value: Bool | undefined, fallback: boolean): boolean {
  return value === undefined ? fallback : String(value) === 'true';
}

/** A whole number, also as text. */
export function countOr(value: Count | undefined, fallback: number): number {
  return value === undefined ? fallback : Number(value);
}

/** Bytes of a size; the fallback also stands in for a mistake, which is reported. */
export function sizeOr(value: string | number | undefined, fallback: number, at: Place): number {
  return value === undefined ? fallback : orReport(parseSize(value), fallback, at);
}

/** Milliseconds of a duration; the fallback also stands in for a mistake, which is reported. */
export function durationOr(value: string | number | undefined, fallback: number, at: Place): number {
  return value === undefined ? fallback : orReport(parseDuration(value), fallback, at);
}

function orReport(parsed: Result<number, UnitMistake>, fallback: number, at: Place): number {
  if (parsed.ok) return parsed.value;
  at.error('invalid-value', parsed.error.message, { hint: parsed.error.hint });
  return fallback;
}

/** Permission bits: octal however they are spelt; the schema has seen that they are. */
export function parseMode(value: string | number): number {
  return Number.parseInt(String(value).replace(/^0?o/, ''), 8);
}

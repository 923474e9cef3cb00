import path from 'node:path';
import type { Diagnostic } from '../base/diagnostic.ts';
import { LONGEST_SOCKET_PATH } from '../project/socket-path.ts';
import type { Fd } from '../vm/calls.ts';
import { mistake } from './error.ts';

/** The text of a value in a message. */
function shown(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}

export function wholeNumber(
  where: string,
  value: number,
  least: number,
  most: number,
): Diagnostic | undefined {
  if (Number.isInteger(value) && value >= least && value <= most) return undefined;
  return mistake(where, `${shown(value)} is not a whole number from ${least} to ${most}`);
}

/** Text that C can be given: not empty, without a NUL character. */
export function text(where: string, value: string): Diagnostic | undefined {
  if (typeof value !== 'string') return mistake(where, `${shown(value)} is not a text`);
  if (value === '') return mistake(where, 'the text is empty');
  return value.includes('\0') ? mistake(where, `${shown(value)} has a NUL character`) : undefined;
}

export function oneOf(where: string, value: string, known: readonly string[]): Diagnostic | undefined {
  return known.includes(value)
    ? undefined
    : mistake(where, `${shown(value)} is none of ${known.map((name) => `'${name}'`).join(', ')}`);
}

/** An open file of this process, or the name of one that `enter` is given; -1 where `unused` is allowed. */
export function descriptor(where: string, value: Fd, unused: boolean): Diagnostic | undefined {
  if (typeof value === 'object' && typeof value?.descriptor === 'string') return undefined;
  const least = unused ? -1 : 0;
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= 0x7fff_ffff)
    return undefined;
  return mistake(
    where,
    `${shown(value)} is not the number of an open file${unused ? ', or -1 for none' : ''}`,
  );
}

/** An absolute path at which there is, or will be, a unix socket; libkrun needs `reserved` bytes behind it. */
export function socketLength(where: string, path: string, reserved = 0): Diagnostic | undefined {
  const bytes = Buffer.byteLength(path);
  const most = LONGEST_SOCKET_PATH - reserved;
  if (bytes <= most) return undefined;
  return mistake(where, `the socket's path has ${bytes} bytes; ${most} fit: ${path}`);
}

/** A path of the host, absolute: the process may go elsewhere before the machine starts. */
export function hostPath(value: string): string {
  return typeof value === 'string' && value !== '' ? path.resolve(value) : value;
}

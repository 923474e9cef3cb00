import { fstatSync } from 'node:fs';
import { textAt, textFrom } from '../host/file-tail.ts';

import type { MachineFailure } from './failure.ts';

/** What is read of each end of a status file; both together hold all of any that is not misused. */
const END_BYTES = 32 * 1024;

/** What the lines of a status file say; see docs/guest-protocol.md. */
export interface GuestStatus {
  /** Milliseconds since 1970 when krun_start_enter was called. */
  readonly startedAtMs?: number;
  /** The bootstrap script runs in the guest. */
  readonly hasReported: boolean;
  /** The command has been started. */
  readonly isReady: boolean;
  /** Setting up the guest failed: the text of the `error` line. */
  readonly error?: string;
  /** The command's exit code, 128+signal where a signal ended it. */
  readonly exitCode?: number;
  /** The machine process gave up before there was a guest. */
  readonly failure?: MachineFailure;
  /** A program that carried the guest's network ended first, and the machine process then ended itself. */
  readonly helperEnd?: HelperEnd;
}

/** A program that the machine process runs beside the guest. */
export type HelperProgram = 'passt' | 'vmnet-helper';

/** How such a program ended: the JSON of a `krun-helper` line. */
export interface HelperEnd {
  readonly name: HelperProgram;
  readonly code: number | null;
  readonly signal: string | null;
}

/**
 * Text of a status file, empty where there is none. The guest's root can write to it what it likes, so no more than its
 * ends is read.
 */
export function readStatus(file: string): string {
  return textFrom(file, readStatusFrom);
}

/** {@link readStatus} of an open file. */
export function readStatusFrom(handle: number): string {
  const { size } = fstatSync(handle);
  const head = textAt(handle, 0, Math.min(size, 2 * END_BYTES));
  if (size <= 2 * END_BYTES) return head;
  const tail = textAt(handle, size - END_BYTES, END_BYTES);
  return `${head.slice(0, head.lastIndexOf('\n', END_BYTES) + 1)}${tail.slice(tail.indexOf('\n') + 1)}`;
}

/** Reads the whole lines of a status file; unknown ones are a newer version's and mean nothing here. */
export function parseStatus(text: string): GuestStatus {
  const lines = text.split('\n').slice(0, -1);
  const last = (prefix: string): string | undefined =>
    lines.findLast((line) => line.startsWith(prefix))?.slice(prefix.length);
  const started = Number(last('krun-start ') ?? Number.NaN);
  const error = lines.find((line) => line.startsWith('error '))?.slice('error '.length);
  const exit = Number(/^\d{1,3}$/.exec(last('exit ') ?? '')?.[0] ?? Number.NaN);
  const hasReported = lines.some((line) => /^krun [1-9]\d*$/.test(line));
  // Once there is a guest, such a line is the guest's own.
  const failure = hasReported ? undefined : parseFailure(last('krun-error '));
  // What the guest reports after it, it reports because of it.
  const helperLine = lines.findIndex((line) => line.startsWith('krun-helper '));
  const isLate = lines.slice(0, helperLine).some((line) => line.startsWith('exit '));
  const helperEnd = isLate ? undefined : parseHelperEnd(lines[helperLine]?.slice('krun-helper '.length));
  return {
    ...(Number.isFinite(started) ? { startedAtMs: started } : {}),
    hasReported,
    isReady: lines.includes('ready'),
    ...(error === undefined ? {} : { error }),
    ...(exit <= 255 ? { exitCode: exit } : {}),
    ...(failure === undefined ? {} : { failure }),
    ...(helperEnd === undefined ? {} : { helperEnd }),
  };
}

function parseFailure(text: string | undefined): MachineFailure | undefined {
  const value = parseObject(text);
  return typeof value?.['message'] === 'string' ? (value as unknown as MachineFailure) : undefined;
}

function parseHelperEnd(text: string | undefined): HelperEnd | undefined {
  const { name, code = null, signal = null } = parseObject(text) ?? {};
  if (name !== 'passt' && name !== 'vmnet-helper') return undefined;
  const isCode = code === null || Number.isInteger(code);
  const isSignal = signal === null || (typeof signal === 'string' && /^SIG[A-Z0-9]{1,8}$/.test(signal));
  return isCode && isSignal ? { name, code: code as number | null, signal } : undefined;
}

/** A full disk cuts lines off. */
function parseObject(text: string | undefined): Readonly<Record<string, unknown>> | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

import { execFile } from 'node:child_process';
import { errnoOf } from './errno.ts';

/** How a program that was run to its end ended. */
export type ProgramResult =
  | { readonly kind: 'ended'; readonly code: number; readonly stdout: string; readonly stderr: string }
  | { readonly kind: 'killed'; readonly signal: string; readonly stderr: string }
  /** There is no such program, or it cannot be started: the system's code. */
  | { readonly kind: 'not-started'; readonly code: string };

export interface ProgramOptions {
  /** The one of this process unless given. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly timeoutMs?: number;
}

/** What a short question takes at most. */
const TIMEOUT_MS = 20_000;

/** Runs a program to its end, without a shell; one that hangs is killed. */
export function runProgram(
  file: string,
  args: readonly string[],
  { env, timeoutMs = TIMEOUT_MS }: ProgramOptions = {},
): Promise<ProgramResult> {
  return new Promise((resolve) => {
    const options = { timeout: timeoutMs, killSignal: 'SIGKILL' as const, ...(env && { env: { ...env } }) };
    execFile(file, [...args], options, (error, stdout, stderr) => {
      if (error === null) resolve({ kind: 'ended', code: 0, stdout, stderr });
      else if (error.signal) resolve({ kind: 'killed', signal: error.signal, stderr });
      else if (typeof error.code === 'number') resolve({ kind: 'ended', code: error.code, stdout, stderr });
      else resolve({ kind: 'not-started', code: errnoOf(error) ?? error.message });
    });
  });
}

export function firstLine(text: string): string {
  return text.trim().split('\n', 1)[0] ?? '';
}

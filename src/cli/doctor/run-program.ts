import { execFile } from 'node:child_process';

export type ProgramResult =
  | { readonly kind: 'ended'; readonly code: number; readonly stdout: string; readonly stderr: string }
  | { readonly kind: 'not-started'; readonly code: string }
  | { readonly kind: 'killed'; readonly signal: string; readonly stderr: string };

const TIMEOUT_MS = 20_000;

/** Runs a short program to its end; one that hangs is killed. */
export function runProgram(
  file: string,
  args: readonly string[],
  env?: Readonly<Record<string, string | undefined>>,
): Promise<ProgramResult> {
  return new Promise((resolve) => {
    const options = { timeout: TIMEOUT_MS, killSignal: 'SIGKILL' as const, ...(env && { env: { ...env } }) };
    execFile(file, [...args], options, (error, stdout, stderr) => {
      if (error === null) resolve({ kind: 'ended', code: 0, stdout, stderr });
      else if (error.signal) resolve({ kind: 'killed', signal: error.signal, stderr });
      else if (typeof error.code === 'number') resolve({ kind: 'ended', code: error.code, stdout, stderr });
      else resolve({ kind: 'not-started', code: String(error.code) });
    });
  });
}

export function firstLine(text: string): string {
  return text.trim().split('\n', 1)[0] ?? '';
}

import { runSession } from '../session/run-session.ts';
import type { ProbeResult } from './health-judgement.ts';

/** The end of a probe's output is what is shown. */
const MOST_OUTPUT_BYTES = 4096;

/** Runs a command in the guest; its exit code says how the machine is. */
export async function probeByCommand(
  controlSocket: string,
  command: readonly string[],
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<ProbeResult> {
  const ran = await runSession(
    controlSocket,
    { command, environment: {}, urgent: true },
    { timeoutMs, maxOutputBytes: MOST_OUTPUT_BYTES, signal },
  );
  if (!ran.ok) return failed(ran.error.message);
  const { exitCode, error, stdout, stderr, timedOut } = ran.value;
  if (exitCode === 0) return { ok: true };
  const output = `${stdout}${stderr}`.trim();
  const more = output === '' ? {} : { output };
  const what = commandText(command);
  if (timedOut) return failed(`${what} did not end within ${timeoutMs / 1000} s`, more);
  if (exitCode === null) return failed(error ?? `${what} ended without an exit code`, more);
  // Not found, not executable: the shell's number says less.
  if (error !== undefined) return failed(error, { exitCode, ...more });
  return failed(`${what} exited with ${exitCode}`, { exitCode, ...more });
}

function failed(message: string, more: { exitCode?: number; output?: string } = {}): ProbeResult {
  return { ok: false, failure: { message, ...more } };
}

const LONGEST_COMMAND = 60;

/** The command in one short line; that of a shell without the shell. */
function commandText(command: readonly string[]): string {
  const isShell = command[0] === '/bin/sh' && command[1] === '-c' && command.length === 3;
  const text = (isShell ? (command[2] ?? '') : command.join(' ')).trim().split('\n')[0] ?? '';
  return text.length > LONGEST_COMMAND ? `${text.slice(0, LONGEST_COMMAND - 1)}…` : text;
}

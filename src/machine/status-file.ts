import { GUEST_PROTOCOL } from './bootstrap.ts';
import type { MachineFailure } from './failure.ts';

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
}

/** Reads the whole lines of a status file; unknown ones are a newer version's and mean nothing here. */
export function parseStatus(text: string): GuestStatus {
  const lines = text.split('\n').slice(0, -1);
  const last = (prefix: string): string | undefined =>
    lines.findLast((line) => line.startsWith(prefix))?.slice(prefix.length);
  const started = last('krun-start ');
  const error = lines.find((line) => line.startsWith('error '))?.slice('error '.length);
  const exit = /^\d{1,3}$/.exec(last('exit ') ?? '')?.[0];
  const failure = last('krun-error ');
  return {
    ...(started === undefined ? {} : { startedAtMs: Number(started) }),
    hasReported: lines.includes(`krun ${GUEST_PROTOCOL}`),
    isReady: lines.includes('ready'),
    ...(error === undefined ? {} : { error }),
    ...(exit === undefined ? {} : { exitCode: Number(exit) }),
    ...(failure === undefined ? {} : { failure: JSON.parse(failure) as MachineFailure }),
  };
}

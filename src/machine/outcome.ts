import type { Exit } from '../plan/machine-state.ts';
import {
  explainLog,
  hasLostLink,
  hasPanic,
  isHalted,
  isHaltedBySelf,
  lastPanic,
  panicBeforeReboot,
  type LogReason,
} from './log-reasons.ts';
import { parseStatus, type GuestStatus, type HelperEnd } from './status-file.ts';

export { parseStatus, readStatus } from './status-file.ts';

/** All that is left of a run. */
export interface RunRemains {
  /** Text of the status file. */
  readonly status: string;
  /** End of the console file. */
  readonly console: string;
  /** How the machine process ended; both null where nobody was there to be told. */
  readonly code: number | null;
  readonly signal: string | null;
  readonly guest: 'bootstrap' | 'direct' | 'self';
  readonly root: 'directory' | 'disk' | 'none';
  /** End of what a guest that boots by itself said on its serial port. */
  readonly output?: string;
}

/** What became of a run: a guest that ended, or a machine that never came to run one. */
export type RunOutcome =
  | { readonly kind: 'exited'; readonly exit: Exit }
  | { readonly kind: 'failed'; readonly reason: string; readonly hint?: string };

/**
 * Reads the remains of a run. An exit code is told only where it is certainly the command's: libkrun's process ends
 * with 0 for a guest kernel's panic too, and for anything on a block root.
 */
export function runOutcome(remains: RunRemains): RunOutcome {
  const status = parseStatus(remains.status);
  const { failure, exitCode, error, helperEnd } = status;
  if (failure) return failed({ reason: failure.message, ...hintOf(failure) });
  if (helperEnd) return failed(withoutNetwork(helperEnd));
  if (exitCode !== undefined)
    return exited({ code: exitCode, ...(error === undefined ? {} : { reason: error }) });

  const known = explainLog(remains.console);
  const hasRun = remains.guest === 'bootstrap' ? status.isReady : status.startedAtMs !== undefined;
  if (known) return hasRun && remains.guest === 'bootstrap' ? lost(remains, known.reason) : failed(known);
  if (remains.signal !== null) return endedBySignal(remains, remains.signal, hasRun);
  if (status.startedAtMs === undefined) return failed({ reason: beforeStart(remains) });
  switch (remains.guest) {
    case 'bootstrap':
      return withoutReport(remains, status);
    case 'direct':
      return directExit(remains);
    case 'self':
      return selfExit(remains);
  }
}

/**
 * What becomes of a machine that will not go on although its process lives: a thread of libkrun has panicked, the guest
 * was halted, which ends no microVM, or its link was closed, which libkrun never opens again.
 */
export function hangOutcome(consoleTail: string): RunOutcome | undefined {
  if (isHalted(consoleTail)) {
    return exited({ code: null, reason: 'the guest was halted without reporting an exit code' });
  }
  if (hasLostLink(consoleTail)) {
    const reason = 'the guest lost its network: what served it has ended';
    return failed({ reason, hint: '`krun up` starts it again, with its network' });
  }
  const known = hasPanic(consoleTail) ? explainLog(consoleTail) : undefined;
  return known && failed(known);
}

/**
 * What becomes of a guest that boots by itself and will not go on: it was halted, which ends no microVM, or its kernel
 * panicked and was not told to reboot then.
 */
export function selfHangOutcome(said: string): RunOutcome | undefined {
  if (isHaltedBySelf(said))
    return exited({ code: null, reason: 'the guest was halted; how it ended is not known' });
  const panic = lastPanic(said);
  return panic === undefined
    ? undefined
    : exited({ code: null, reason: `the guest kernel panicked: ${panic}` });
}

function exited(exit: Exit): RunOutcome {
  return { kind: 'exited', exit };
}

function failed(reason: LogReason): RunOutcome {
  return { kind: 'failed', ...reason };
}

function withoutNetwork({ name, code, signal }: HelperEnd): LogReason {
  return {
    reason: `${name} ended (${signal ?? `exit code ${code ?? 'unknown'}`}): the guest lost its network`,
    hint: '`krun logs --helpers` shows what it printed; with `restart: on-failure` the machine would start again',
  };
}

function lost({ signal }: RunRemains, reason: string): RunOutcome {
  return exited({ code: null, ...(signal === null ? {} : { signal }), reason });
}

function hintOf(value: { readonly hint?: string }): { readonly hint?: string } {
  return value.hint === undefined ? {} : { hint: value.hint };
}

function endedBySignal(remains: RunRemains, signal: string, hasRun: boolean): RunOutcome {
  if (signal === 'SIGABRT') {
    const reason = 'libkrun aborted without saying why';
    return hasRun ? lost(remains, reason) : failed({ reason });
  }
  if (hasRun) return exited({ code: null, signal });
  const crashed = ['SIGSEGV', 'SIGBUS', 'SIGILL'].includes(signal);
  return failed({
    reason: `the machine process was ended by ${signal} before the guest reported in`,
    ...(crashed ? { hint: 'a library may be damaged; `krun doctor` checks them' } : {}),
  });
}

function beforeStart({ code, console }: RunRemains): string {
  const how = code === null ? '' : ` (exit code ${code})`;
  const said = lastLine(console);
  return `the machine process ended before the guest was started${how}${said === undefined ? '' : `: ${said}`}`;
}

/** Codes that libkrun's init uses for its own failures. */
const INIT_CODES: Readonly<Record<number, string>> = {
  125: "libkrun's init could not set up the guest",
  126: 'the /bin/sh of the root cannot be executed',
  127: 'the root has no /bin/sh',
};

function withoutReport(remains: RunRemains, status: GuestStatus): RunOutcome {
  if (status.isReady || status.hasReported)
    return lost(remains, 'the guest ended without reporting an exit code');
  const { code, console } = remains;
  const cause = code === null ? undefined : INIT_CODES[code];
  if (cause !== undefined) {
    return failed({ reason: cause, hint: '`krun logs` shows what the guest printed' });
  }
  const said = lastLine(console);
  return failed({ reason: `the guest ended before it reported in${said === undefined ? '' : `: ${said}`}` });
}

function directExit(remains: RunRemains): RunOutcome {
  if (remains.root === 'disk') return lost(remains, 'libkrun reports no exit codes for a root on a disk');
  if (remains.code === null) return lost(remains, 'nobody was there to see its exit code');
  // The same number for a command that was successful and for a guest that was rebooted from inside.
  if (remains.code === 0) return lost(remains, 'libkrun reports 0 for a guest that rebooted itself, too');
  return exited({ code: remains.code });
}

/** Nothing in such a guest tells libkrun how it ended. */
function selfExit({ code, output = '' }: RunRemains): RunOutcome {
  const panic = panicBeforeReboot(output);
  if (panic !== undefined) return exited({ code: null, reason: `the guest kernel panicked: ${panic}` });
  const told = code === null || code === 0 ? '' : ` (libkrun ended with exit code ${code})`;
  return exited({ code: null, reason: `a guest that boots by itself does not say how it ended${told}` });
}

function lastLine(text: string): string | undefined {
  const line = text.trimEnd().split('\n').at(-1)?.trim();
  return line === '' ? undefined : line;
}

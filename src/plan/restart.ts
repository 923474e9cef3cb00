import type { RestartPolicy } from '../project/project.ts';
import type { Exit } from './machine-state.ts';

/** What happened before an exit, as far as the policy has to know it. */
export interface ExitHistory {
  /** {@link RestartDecision}'s `attempt` of the restart that began this run; 0 for a run begun by a plan. */
  readonly attempt: number;
  /** How long the run lasted. */
  readonly ranMs: number;
  /** Somebody asked for this end. */
  readonly stoppedByUser: boolean;
  readonly kind: 'service' | 'task';
}

export type RestartDecision =
  | { readonly next: 'exited' }
  | { readonly next: 'restart'; readonly delayMs: number; readonly attempt: number };

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 60_000;
/** A run of this length counts as well: the next failure is a new one. */
const RAN_WELL_MS = 10_000;

/** What becomes of a machine whose guest ended. An exit code that nobody knows counts as a failure. */
export function afterExit(policy: RestartPolicy, exit: Exit, history: ExitHistory): RestartDecision {
  if (history.stoppedByUser || !wantsRestart(policy, exit, history)) return { next: 'exited' };
  const ranWell = history.ranMs >= RAN_WELL_MS;
  // A limited policy counts every restart: a task of ten minutes that always fails would never reach its limit else.
  const attempt = ranWell && !hasLimit(policy) ? 1 : history.attempt + 1;
  return { next: 'restart', delayMs: restartDelayMs(ranWell ? 1 : attempt), attempt };
}

/** Capped exponential back-off: 100 ms, 200 ms, ... 60 s. */
export function restartDelayMs(attempt: number): number {
  return Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(attempt - 1, 16));
}

/** Whether a guest said that all went well. */
export function isSuccess(exit: Exit): boolean {
  return exit.code === 0 && exit.signal === undefined;
}

function wantsRestart(policy: RestartPolicy, exit: Exit, history: ExitHistory): boolean {
  // A task that is done is done, whatever the policy says.
  if (history.kind === 'task' && isSuccess(exit)) return false;
  switch (policy.policy) {
    case 'no':
      return false;
    case 'always':
    case 'unless-stopped':
      return true;
    case 'on-failure':
      return !isSuccess(exit) && (policy.maxRetries === undefined || history.attempt < policy.maxRetries);
  }
}

function hasLimit(policy: RestartPolicy): boolean {
  return policy.policy === 'on-failure' && policy.maxRetries !== undefined;
}

/** How a guest ended, for tables: `exited (7)`, `exited (SIGKILL)`, `exited (?)` where nobody knows. */
export function exitText(exit: Exit): string {
  return `exited (${exit.code ?? exit.signal ?? '?'})`;
}

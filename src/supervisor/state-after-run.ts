import type { RunOutcome } from '../machine/outcome.ts';
import type { Exit, MachineState } from '../plan/machine-state.ts';
import { afterExit } from '../plan/restart.ts';
import type { RestartPolicy } from '../project/project.ts';
import type { MachineRecord } from '../store/records.ts';

/** How a run ended, and what counts for the machine's next state. */
export interface EndedRun {
  readonly outcome: RunOutcome;
  readonly policy: RestartPolicy;
  /** Somebody asked for this end. */
  readonly isAsked: boolean;
  readonly nowMs: number;
}

/** What becomes of a machine whose run is over. */
export function stateAfterRun(
  { run, attempt, definition, state, stoppedByUser }: MachineRecord,
  { outcome, policy, isAsked, nowMs }: EndedRun,
): MachineState {
  const exit: Exit = outcome.kind === 'exited' ? outcome.exit : { code: null, reason: outcome.reason };
  const decision = afterExit(policy, exit, {
    attempt: attempt ?? 0,
    ranMs: nowMs - sinceMs(state, nowMs),
    stoppedByUser: isAsked || stoppedByUser,
    kind: definition.kind,
  });
  const since = new Date(nowMs).toISOString();
  if (decision.next === 'restart') {
    const nextAt = new Date(nowMs + decision.delayMs).toISOString();
    return { status: 'restarting', run, since, exit, attempt: decision.attempt, nextAt };
  }
  if (outcome.kind === 'exited' || isAsked) return { status: 'exited', run, since, exit };
  const { kind: _, ...why } = outcome;
  return { status: 'failed', run, since, ...why };
}

/** When a state began, in milliseconds since the epoch. */
export function sinceMs(state: MachineState, nowMs: number): number {
  return state.status === 'created' ? nowMs : Date.parse(state.since);
}

import type { WaitCondition } from '../../plan/action.ts';
import { isSuccess, exitText } from '../../plan/restart.ts';
import type { MachineState } from '../../plan/machine-state.ts';
import { ActionFailure } from '../failure.ts';
import { unready } from '../unready.ts';
import type { ActionContext } from './context.ts';

/** What a state means for somebody who waits. */
export type Verdict = 'wait' | 'met' | { readonly failed: string };

/** What is waited for, of which machine. */
export interface Wanted {
  readonly condition: WaitCondition;
  readonly kind: 'service' | 'task';
  /** The machine has been healthy in its newest run. */
  readonly wasHealthy?: boolean;
}

/** Waits until a machine meets a condition; fails as soon as it no longer can. */
export async function wait(machine: string, condition: WaitCondition, context: ActionContext): Promise<void> {
  const keeper = context.machines.get(machine);
  const judge = (state: MachineState): Verdict => {
    const { kind } = keeper.record.definition;
    return verdict(state, { condition, kind, wasHealthy: keeper.wasHealthy });
  };
  let result = 'wait' as Verdict;
  await keeper.until((state) => (result = judge(state)) !== 'wait', context.signal);
  if (typeof result !== 'object') return;
  const { hint, details } = await unready(context.layout, keeper.record);
  throw new ActionFailure(`machine ${machine} ${result.failed}`, hint, details);
}

/** Whether a state meets a condition, may still come to meet it, or never will without help. */
export function verdict(state: MachineState, wanted: Wanted): Verdict {
  const { condition } = wanted;
  switch (state.status) {
    case 'created':
      return { failed: 'was not started' };
    case 'starting':
    case 'stopping':
      return 'wait';
    case 'running':
      return runningVerdict(state, wanted);
    case 'restarting':
      // It has started, and will again.
      return condition === 'started' ? 'met' : 'wait';
    case 'exited':
      return exitedVerdict(state, wanted);
    case 'failed':
      return { failed: `failed: ${state.reason}` };
  }
}

function runningVerdict(
  { health }: Extract<MachineState, { status: 'running' }>,
  { condition, kind }: Wanted,
): Verdict {
  switch (condition) {
    case 'started':
      return 'met';
    case 'running_or_completed':
      return kind === 'service' ? 'met' : 'wait';
    case 'completed_successfully':
      return 'wait';
    case 'healthy':
    case 'log_ready':
      if (!health) return { failed: 'has no health check to wait for' };
      if (health.status === 'starting') return 'wait';
      return health.status === 'healthy' ? 'met' : { failed: 'is unhealthy' };
  }
}

function exitedVerdict(
  { exit }: Extract<MachineState, { status: 'exited' }>,
  { condition, wasHealthy }: Wanted,
): Verdict {
  const ended = exit.reason === undefined ? exitText(exit) : `${exitText(exit)}: ${exit.reason}`;
  switch (condition) {
    case 'started':
      return 'met';
    case 'completed_successfully':
    case 'running_or_completed':
      return isSuccess(exit) ? 'met' : { failed: ended };
    case 'healthy':
      return { failed: wasHealthy ? ended : `${ended} before it was healthy` };
    case 'log_ready':
      // What it said, it has said; who only prepares something may be done with it by now.
      if (wasHealthy && isSuccess(exit)) return 'met';
      return { failed: wasHealthy ? ended : `${ended} before its log said that it is ready` };
  }
}

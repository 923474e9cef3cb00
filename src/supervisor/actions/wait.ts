import type { WaitCondition } from '../../plan/action.ts';
import { isSuccess, exitText } from '../../plan/restart.ts';
import type { MachineState } from '../../plan/machine-state.ts';
import { ActionFailure } from '../failure.ts';
import type { ActionContext } from './context.ts';

/** What a state means for somebody who waits. */
export type Verdict = 'wait' | 'met' | { readonly failed: string };

/** Waits until a machine meets a condition; fails as soon as it no longer can. */
export async function wait(machine: string, condition: WaitCondition, context: ActionContext): Promise<void> {
  const keeper = context.machines.get(machine);
  const judge = (state: MachineState): Verdict => verdict(condition, state, keeper.record.definition.kind);
  await keeper.until((state) => judge(state) !== 'wait', context.signal);
  const result = judge(keeper.state);
  if (typeof result === 'object') {
    throw new ActionFailure(`machine ${machine} ${result.failed}`, `its output: krun logs ${machine}`);
  }
}

/** Whether a state meets a condition, may still come to meet it, or never will without help. */
export function verdict(condition: WaitCondition, state: MachineState, kind: 'service' | 'task'): Verdict {
  switch (state.status) {
    case 'created':
      return { failed: 'was not started' };
    case 'starting':
      return 'wait';
    case 'running':
      return condition === 'started' || (condition === 'running_or_completed' && kind === 'service')
        ? 'met'
        : 'wait';
    case 'stopping':
      return 'wait';
    case 'restarting':
      // It has started, and will again.
      return condition === 'started' ? 'met' : 'wait';
    case 'exited':
      if (condition === 'started' || isSuccess(state.exit)) return 'met';
      return { failed: exitText(state.exit) };
    case 'failed':
      return { failed: `failed: ${state.reason}` };
  }
}

import type { MachineState } from '../../plan/machine-state.ts';
import { isSuccess } from '../../plan/restart.ts';

/** What `up` says about the end of one machine. */
export interface EndWishes {
  readonly abortOnExit?: boolean;
  readonly abortOnFailure?: boolean;
  readonly exitCodeFrom?: string;
}

/** Whether the options make the end of one machine the end of all. */
export function hasEndWishes({ abortOnExit, abortOnFailure, exitCodeFrom }: EndWishes): boolean {
  return abortOnExit === true || abortOnFailure === true || exitCodeFrom !== undefined;
}

/** Whether the end of that machine is the end of all. A task that is done is no end. */
export function endsAll(
  { abortOnExit, abortOnFailure, exitCodeFrom }: EndWishes,
  machine: { readonly name: string; readonly isTask: boolean },
  state: MachineState,
): boolean {
  if (state.status !== 'exited' && state.status !== 'failed') return false;
  const succeeded = state.status === 'exited' && isSuccess(state.exit);
  if (exitCodeFrom === machine.name) return true;
  if (abortOnFailure && !succeeded) return true;
  return (abortOnExit === true || exitCodeFrom !== undefined) && !(succeeded && machine.isTask);
}

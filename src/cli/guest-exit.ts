import type { MachineState } from '../plan/machine-state.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';

/** Exit code for a machine's end; one that nobody knows has a code of its own, never 0. */
export function exitCodeOf(state: MachineState | undefined): ExitCode {
  return state?.status === 'exited' && state.exit.code !== null ? state.exit.code : EXIT.unknownExit;
}

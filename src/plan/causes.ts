import { nearest } from '../base/text.ts';
import type { MachineState } from './machine-state.ts';
import type { ObservedMachine } from './observed.ts';

/** Why a machine that should run has to be started: `not running: exited 1`. */
export function notRunningCause(machine: ObservedMachine): string {
  if (machine.state.status === 'created') return 'not started yet';
  if (machine.state.status === 'stopping') return 'still stopping';
  if (machine.stoppedByUser) return 'not running: stopped by the user';
  return `not running: ${endText(machine.state)}`;
}

function endText(state: MachineState): string {
  if (state.status === 'failed') return `failed (${state.reason})`;
  if (state.status !== 'exited') return state.status;
  const { code, signal, reason } = state.exit;
  const end = code === null ? (signal ?? 'exit code unknown') : `exited ${code}`;
  return reason === undefined ? end : `${end} (${reason})`;
}

/** What to say about a name that no machine has. */
export function unknownMachine(name: string, known: Iterable<string>): string {
  const near = nearest(name, known);
  return near === undefined ? `no machine ${name}` : `no machine ${name}; did you mean ${near}?`;
}

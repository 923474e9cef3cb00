import type { Machine } from '../project/project.ts';
import type { MachineLayout } from '../store/layout.ts';
import { askToStop } from './control-client.ts';
import { ActionFailure } from './failure.ts';
import type { MachineRun } from './machine-run.ts';

/** Signals that ask a guest to end: what ends after one of these was ended by the user and is not restarted. */
const ENDING_SIGNALS: ReadonlySet<string> = new Set(['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGKILL']);

/** Whether a machine that gets the signal is meant to end. */
export function isEnding(signalName: string, { stopSignal }: Machine): boolean {
  return ENDING_SIGNALS.has(signalName) || signalName === stopSignal;
}

/** Asks the guest to end, and has what is left killed after the grace period. Returns when the guest was asked. */
export async function endRun(run: MachineRun, files: MachineLayout, graceMs: number): Promise<void> {
  run.killAt(Date.now() + graceMs);
  const answer = await askToStop(files.controlSocket);
  // Without a socket, the process's own SIGTERM asks the guest, and ends a process that has no guest yet.
  if (answer === 'absent') run.terminate();
  else if (answer === 'silent') run.kill();
}

/** Sends a signal to the guest's command. */
export async function signalGuest(files: MachineLayout, machine: string, signalName: string): Promise<void> {
  if ((await askToStop(files.controlSocket, signalName)) === 'done') return;
  throw new ActionFailure(
    `${signalName} did not reach the guest of machine ${machine}`,
    `SIGKILL always works: krun kill ${machine}`,
  );
}

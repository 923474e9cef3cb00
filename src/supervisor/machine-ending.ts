import { setTimeout as delay } from 'node:timers/promises';
import { bootsItself } from '../project/boot.ts';
import type { Boot, Machine, Root } from '../project/project.ts';
import { runSession } from '../session/run-session.ts';
import type { MachineLayout } from '../store/layout.ts';
import { askToStop } from './control-client.ts';
import { ActionFailure } from './failure.ts';
import type { MachineRun } from './machine-run.ts';

/** Signals that ask a guest to end: what ends after one of these was ended by the user and is not restarted. */
const ENDING_SIGNALS: ReadonlySet<string> = new Set(['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGKILL']);

/** Whether a machine that gets the signal is meant to end; without an agent, whatever reaches it ends it. */
export function isEnding(signalName: string, { agent, stopSignal }: Machine): boolean {
  return !agent || ENDING_SIGNALS.has(signalName) || signalName === stopSignal;
}

/** How a machine is stopped. */
export interface StopOptions {
  /** The machine's own grace period when absent. */
  readonly timeoutMs?: number | undefined;
  readonly byUser: boolean;
  readonly signal: AbortSignal;
}

/** How a run is to end. */
export interface RunEnd {
  readonly files: MachineLayout;
  /** What is left after that time is killed. */
  readonly graceMs: number;
  /** Ends the guest in place of the signal; empty for none. */
  readonly stopCommand: readonly string[];
  readonly stopSignal: string;
  readonly agent: boolean;
  readonly boot?: Boot;
  readonly root: Root;
}

/**
 * Asks the guest to end, and has what is left killed when the grace period is over. Returns when the guest was asked,
 * with a remark where that did not go as it should.
 */
export async function endRun(run: MachineRun, end: RunEnd): Promise<string | undefined> {
  const { files, graceMs, stopCommand, stopSignal } = end;
  run.killAt(Date.now() + graceMs, overdueText(graceMs));
  const hasCommand = run.isReady && stopCommand.length > 0;
  const problem = hasCommand ? await runStopCommand(run, end) : undefined;
  if (hasCommand && problem === undefined) return undefined;
  // By its name, the signal alone is sent, and no command is tried again.
  const answer = await askToStop(files.controlSocket, hasCommand ? stopSignal : undefined);
  // Without a socket, the process's own SIGTERM asks the guest, and ends a process that has no guest yet.
  if (answer === 'absent') run.terminate();
  else if (answer === 'silent') run.killOverdue('killed: the machine process did not answer');
  if (!end.agent && bootsItself(end.boot, end.root.kind) && process.platform !== 'darwin') return POWERED_OFF;
  return problem && `the stop command failed, so ${stopSignal} was sent: ${problem}`;
}

const POWERED_OFF = 'powered off: libkrun cannot ask a guest that boots by itself to shut down';

/** Why a run was killed. */
export function overdueText(graceMs: number): string {
  return `killed: it did not end within ${graceMs / 1000} s`;
}

/** What is left of the grace period for the signal, where the command takes too long. */
const SIGNAL_SHARE = 0.2;

/** Runs the stop command. Undefined when that is done, or the guest has ended meanwhile; why it failed otherwise. */
async function runStopCommand(
  run: MachineRun,
  { files, graceMs, stopCommand }: RunEnd,
): Promise<string | undefined> {
  const timeoutMs = graceMs * (1 - SIGNAL_SHARE);
  const session = runSession(
    files.controlSocket,
    { command: stopCommand, environment: {}, urgent: true },
    { timeoutMs, maxOutputBytes: 1024 },
  );
  const ran = await Promise.race([session, run.ended.then(() => undefined)]);
  if (ran === undefined) return undefined;
  if (!ran.ok) return ran.error.message;
  const { exitCode, error, stderr, timedOut } = ran.value;
  if (timedOut) return `it took longer than ${timeoutMs / 1000} s`;
  // A guest that goes down takes the session along; the end of the grace period is that of the run.
  if (exitCode === 0 || exitCode === null) return undefined;
  const said = stderr.trim().split('\n').at(-1) ?? '';
  return error ?? `it exited with ${exitCode}${said === '' ? '' : ` (${said})`}`;
}

/** So long after the end of a machine process it is noticed, also by a supervisor that has adopted it. */
const END_NOTICED_MS = 1000;

/** Sends a signal to the guest's command. */
export async function signalGuest(
  run: Pick<MachineRun, 'ended'>,
  controlSocket: string,
  { machine, signalName }: { readonly machine: string; readonly signalName: string },
): Promise<void> {
  if ((await askToStop(controlSocket, signalName)) === 'done') return;
  // A guest that ends by the signal takes the machine process along, maybe before that has answered.
  const overdue = delay(END_NOTICED_MS, undefined, { ref: false });
  if (await Promise.race([run.ended, overdue])) return;
  throw new ActionFailure(
    `${signalName} did not reach the guest of machine ${machine}`,
    `SIGKILL always works: krun kill ${machine}`,
  );
}

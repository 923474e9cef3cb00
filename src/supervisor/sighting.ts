import { readJsonIfPresent } from '../host/atomic-file.ts';
import { tailOf } from '../host/file-tail.ts';
import { bootId, isAlive } from '../host/identity.ts';
import { parseStatus, readStatus, runOutcome, type RunOutcome } from '../machine/outcome.ts';
import type { ProcessIdentity } from '../machine/spec.ts';
import { isActive, type MachineState } from '../plan/machine-state.ts';
import { machineLayout, rawFile, type Layout, type MachineLayout } from '../store/layout.ts';
import type { MachineRecord } from '../store/records.ts';
import { guestOf, hasReportedIn } from './guest.ts';
import { readIdentity } from './run-lifetime.ts';

/** What there really is of a machine that the record calls active. */
export type Sighting =
  /** Its process runs. */
  | { readonly kind: 'alive'; readonly identity: ProcessIdentity }
  /** It has no process; its restart is due at the record's time. */
  | { readonly kind: 'pending' }
  /** Its process has ended, and left that behind. */
  | { readonly kind: 'over'; readonly outcome: RunOutcome }
  /** No process has written its identity; one may still come, as long as the intent stands. */
  | { readonly kind: 'unborn'; readonly wanted: boolean }
  /** The record is from before the host was started. */
  | { readonly kind: 'rebooted'; readonly outcome: RunOutcome }
  /** The record does not say that there is a process. */
  | { readonly kind: 'idle' };

/** Compares a record with the process that it speaks of. Changes nothing. */
export async function sight(layout: Layout, record: MachineRecord): Promise<Sighting> {
  const { state } = record;
  if (!isActive(state)) return { kind: 'idle' };
  const files = machineLayout(layout, record.machine);
  if (record.bootId !== bootId()) {
    return { kind: 'rebooted', outcome: outcomeOf(files, record, 'the host was restarted') };
  }
  if (state.status === 'restarting') return { kind: 'pending' };
  const identity = await readIdentity(files, record.run);
  if (!identity) {
    const intent = (await readJsonIfPresent(files.intentFile)) as { run?: unknown } | null | undefined;
    return { kind: 'unborn', wanted: intent?.run === record.run };
  }
  if (isAlive(identity)) return { kind: 'alive', identity };
  return { kind: 'over', outcome: outcomeOf(files, record, undefined) };
}

/** The state that a sighting means, for a reader that only looks. */
export function stateAsSeen(layout: Layout, record: MachineRecord, seen: Sighting): MachineState {
  const { state, run } = record;
  switch (seen.kind) {
    case 'idle':
    case 'pending':
      return state;
    case 'alive':
      if (state.status !== 'starting' || !isReady(layout, record)) return state;
      return { status: 'running', run, since: state.since };
    case 'unborn':
      // Between the spawn and the identity: the process takes a moment to come up.
      if (seen.wanted && state.status === 'starting' && isRecent(state.since, record)) return state;
      return { status: 'failed', run, since: sinceOf(state), reason: 'its start was interrupted' };
    case 'over':
    case 'rebooted': {
      if (state.status === 'restarting')
        return { status: 'exited', run, since: state.since, exit: state.exit };
      if (seen.outcome.kind === 'exited') {
        return { status: 'exited', run, since: sinceOf(state), exit: seen.outcome.exit };
      }
      const { kind: _, ...why } = seen.outcome;
      return { status: 'failed', run, since: sinceOf(state), ...why };
    }
  }
}

/** How a run ended that was not seen to end. */
export function outcomeSeen(state: MachineState, seen: Sighting): RunOutcome {
  if (state.status === 'restarting') return { kind: 'exited', exit: state.exit };
  if (seen.kind === 'over' || seen.kind === 'rebooted') return seen.outcome;
  return { kind: 'failed', reason: 'its start was interrupted: the supervisor was killed' };
}

function isReady(layout: Layout, { machine, run, definition }: MachineRecord): boolean {
  const status = readStatus(rawFile(machineLayout(layout, machine), run, 'status'));
  return hasReportedIn(definition, parseStatus(status));
}

function outcomeOf(files: MachineLayout, record: MachineRecord, reason: string | undefined): RunOutcome {
  const status = readStatus(rawFile(files, record.run, 'status'));
  // The exit code is known only where the guest said it: nobody was there to be told by the system.
  if (reason !== undefined && parseStatus(status).exitCode === undefined) {
    return { kind: 'exited', exit: { code: null, reason } };
  }
  const console = tailOf(rawFile(files, record.run, 'console'));
  return runOutcome({ status, console, code: null, signal: null, ...guestOf(record.definition) });
}

function isRecent(since: string, record: MachineRecord): boolean {
  return Date.now() - Date.parse(since) < record.definition.bootTimeoutMs;
}

function sinceOf(state: MachineState): string {
  return state.status === 'created' ? new Date().toISOString() : state.since;
}

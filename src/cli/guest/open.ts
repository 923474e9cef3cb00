import { err, ok, type Result } from '../../base/result.ts';
import { isActive } from '../../plan/machine-state.ts';
import type { SessionRequest } from '../../session/api.ts';
import { openSession, type Session, type SessionRefusal } from '../../session/client.ts';
import { machineLayout, type Layout } from '../../store/layout.ts';
import type { MachineRecord } from '../../store/records.ts';
import { type Context, tellError } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';

/** Starts a command in a machine's guest; what prevents that is told. Records are read only then: this has to be fast. */
export async function openGuest(
  context: Context,
  layout: Layout,
  machine: string,
  request: SessionRequest,
): Promise<Result<Session, ExitCode>> {
  const opened = await openSession(machineLayout(layout, machine).controlSocket, request);
  if (opened.ok) return ok(opened.value);
  await tellRefusal(context, layout, machine, opened.error);
  return err(EXIT.failure);
}

/** Says why a machine takes no command: there is none of that name, it does not run and how it ended, or its own reason. */
export async function tellRefusal(
  context: Context,
  layout: Layout,
  machine: string,
  refusal: SessionRefusal,
): Promise<void> {
  if (refusal.kind === 'not-running') {
    const { readRecords } = await import('../records.ts');
    const records = await readRecords(context, layout);
    if (!records.ok) return;
    const record = records.value.find((each) => each.machine === machine);
    if (!record) {
      const { tellUnknownMachine } = await import('../machine-names.ts');
      const known = records.value.map((each) => each.machine);
      tellUnknownMachine(context, machine, known);
      return;
    }
    if (!isActive(record.state) || record.state.status === 'restarting') {
      return tellNotRunning(context, record);
    }
  }
  tellError(context, `${machine}: ${refusal.message}`, refusal.hint);
}

/** Says that a machine does not run, and how it ended. */
export async function tellNotRunning(
  context: Context,
  { machine, state }: Pick<MachineRecord, 'machine' | 'state'>,
): Promise<void> {
  const { describeState } = await import('../../view/state.ts');
  if (state.status === 'created') {
    tellError(context, `${machine} was not started yet`, `krun start ${machine}`);
    return;
  }
  const end = describeState(state, context.now());
  const hint = state.status === 'exited' ? `krun start ${machine}` : `krun logs ${machine}`;
  tellError(context, `${machine} does not run: ${end}`, hint);
}

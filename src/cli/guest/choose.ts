import { err, ok, type Result } from '../../base/result.ts';
import { isActive } from '../../plan/machine-state.ts';
import type { Layout } from '../../store/layout.ts';
import type { MachineRecord } from '../../store/records.ts';
import { type Context, tellError } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { selectRecords } from '../machine-names.ts';
import { readRecords } from '../records.ts';
import { tellNotRunning } from './open.ts';

/** The running machine of that name, or the only one that there is. */
export async function chooseRunning(
  context: Context,
  layout: Layout,
  name: string | undefined,
): Promise<Result<MachineRecord, ExitCode>> {
  const records = await readRecords(context, layout);
  if (!records.ok) return records;
  const chosen = selectRecords(context, records.value, name === undefined ? [] : [name]);
  if (!chosen.ok) return chosen;
  const running = chosen.value.filter(({ state }) => isRunning(state));
  const [only = chosen.value[0]] = running;
  if (only === undefined) {
    tellError(context, 'there are no machines', 'krun up creates them');
    return err(EXIT.failure);
  }
  if (running.length > 1 || (running.length === 0 && chosen.value.length > 1)) {
    return tellWhich(context, running, chosen.value);
  }
  if (isRunning(only.state)) return ok(only);
  await tellNotRunning(context, only);
  return err(EXIT.failure);
}

/** Whether a machine has a process now. */
export function isRunning(state: MachineRecord['state']): boolean {
  return isActive(state) && state.status !== 'restarting';
}

function tellWhich(
  context: Context,
  running: readonly MachineRecord[],
  all: readonly MachineRecord[],
): Result<never, ExitCode> {
  const names = (records: readonly MachineRecord[]): string =>
    records.map(({ machine }) => machine).join(', ');
  if (running.length === 0) {
    tellError(context, 'no machine runs', `krun start starts ${names(all)}`);
    return err(EXIT.failure);
  }
  tellError(context, 'which machine?', `these run: ${names(running)}`);
  return err(EXIT.usage);
}

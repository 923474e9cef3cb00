import { err, ok, type Result } from '../base/result.ts';
import { isActive } from '../plan/machine-state.ts';
import type { Layout } from '../store/layout.ts';
import { readProjectState } from '../store/record-files.ts';
import type { MachineRecord } from '../store/records.ts';
import { observeProject } from '../supervisor/observe.ts';
import type { Context } from './context.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { tellDiagnostics } from './project.ts';

/**
 * Records of the project's machines with their states as they really are, sorted by name. Where machines live without a
 * supervisor one is started to look after them again; nobody waits for it, because what is returned is true already.
 */
export async function readRecords(
  context: Context,
  layout: Layout,
  options: { readonly wake: boolean } = { wake: true },
): Promise<Result<readonly MachineRecord[], ExitCode>> {
  const observed = await observeProject(layout);
  if (!observed.ok) {
    await tellDiagnostics(context, [observed.error]);
    return err(EXIT.failure);
  }
  const records = Object.values(observed.value.records);
  if (options.wake) await wakeWhereActive(context, layout, records);
  return ok(records);
}

/**
 * The same as the supervisor has written it, which is later than the truth: by then the output of a machine that has
 * ended is in its log, and the event is about to be told.
 */
export async function readWrittenRecords(
  context: Context,
  layout: Layout,
  options: { readonly wake: boolean } = { wake: true },
): Promise<Result<readonly MachineRecord[], ExitCode>> {
  const state = await readProjectState(layout);
  if (!state.ok) {
    await tellDiagnostics(context, [state.error]);
    return err(EXIT.failure);
  }
  const records = Object.values(state.value.machines);
  if (options.wake) await wakeWhereActive(context, layout, records);
  return ok(records);
}

async function wakeWhereActive(
  context: Context,
  layout: Layout,
  records: readonly MachineRecord[],
): Promise<void> {
  if (!records.some((record) => isActive(record.state))) return;
  const { wakeSupervisor } = await import('./wake-supervisor.ts');
  await wakeSupervisor(context, layout);
}

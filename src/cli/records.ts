import { err, ok, type Result } from '../base/result.ts';
import { isActive } from '../plan/machine-state.ts';
import type { Layout } from '../store/layout.ts';
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
  if (options.wake && records.some((record) => isActive(record.state))) {
    const { wakeSupervisor } = await import('./wake-supervisor.ts');
    await wakeSupervisor(context, layout);
  }
  return ok(records);
}

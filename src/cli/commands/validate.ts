import { type Context, tell } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { loadForCommand } from '../load-project.ts';

/** `krun validate`: says what is wrong, or what there is. */
export async function run(context: Context): Promise<ExitCode> {
  const loaded = await loadForCommand(context, []);
  if (!loaded.ok) return loaded.error;
  const { name, machines, disabledMachines } = loaded.value.project;
  const count = Object.keys(machines).length;
  const others = disabledMachines.length === 0 ? '' : `, ${disabledMachines.length} in inactive profiles`;
  tell(context, `${name}: ${count} ${count === 1 ? 'machine' : 'machines'}${others}, no mistakes`);
  return EXIT.ok;
}

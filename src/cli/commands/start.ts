import type { Context } from '../context.ts';
import type { ExitCode } from '../exit-codes.ts';
import { locateProject } from '../project.ts';
import { perform } from '../requests.ts';

export interface StartArgs {
  readonly machines: readonly string[];
}

/** `krun start`. */
export async function run(context: Context, args: StartArgs): Promise<ExitCode> {
  const layout = await locateProject(context);
  if (!layout.ok) return layout.error;
  return perform(context, layout.value, { type: 'start', machines: args.machines });
}

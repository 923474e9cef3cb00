import type { Context } from '../context.ts';
import type { ExitCode } from '../exit-codes.ts';
import { locateProject } from '../project.ts';
import { perform } from '../requests.ts';

export interface KillArgs {
  readonly machines: readonly string[];
  /** Name, such as `SIGKILL`. */
  readonly signal: string;
}

/** `krun kill`. */
export async function run(context: Context, args: KillArgs): Promise<ExitCode> {
  const layout = await locateProject(context);
  if (!layout.ok) return layout.error;
  return perform(context, layout.value, { type: 'kill', machines: args.machines, signal: args.signal });
}

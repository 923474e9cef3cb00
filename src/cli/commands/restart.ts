import type { Context } from '../context.ts';
import type { ExitCode } from '../exit-codes.ts';
import { locateProject } from '../project.ts';
import { perform, timeoutOf } from '../requests.ts';

export interface RestartArgs {
  readonly machines: readonly string[];
  /** Milliseconds. */
  readonly timeout?: number;
}

/** `krun restart`. */
export async function run(context: Context, args: RestartArgs): Promise<ExitCode> {
  const layout = await locateProject(context);
  if (!layout.ok) return layout.error;
  return perform(context, layout.value, {
    type: 'restart',
    machines: args.machines,
    ...timeoutOf(args.timeout),
  });
}

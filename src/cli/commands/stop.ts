import type { Context } from '../context.ts';
import type { ExitCode } from '../exit-codes.ts';
import { locateProject } from '../project.ts';
import { perform, timeoutOf } from '../requests.ts';

export interface StopArgs {
  readonly machines: readonly string[];
  /** Milliseconds. */
  readonly timeout?: number;
}

/** `krun stop`. */
export async function run(context: Context, args: StopArgs): Promise<ExitCode> {
  const layout = await locateProject(context);
  if (!layout.ok) return layout.error;
  return perform(context, layout.value, {
    type: 'stop',
    machines: args.machines,
    ...timeoutOf(args.timeout),
  });
}

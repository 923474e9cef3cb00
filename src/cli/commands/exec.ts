import type { Context } from '../context.ts';
import type { ExitCode } from '../exit-codes.ts';
import { guestWords, sessionWish, type SessionArgs } from '../guest/request.ts';
import { runInGuest } from '../guest/run-in.ts';
import { locateProject } from '../project.ts';

export interface ExecArgs extends SessionArgs {
  readonly machine: string;
  readonly command: readonly string[];
}

/** `krun exec`: a command beside the workload of a running machine. */
export async function run(context: Context, args: ExecArgs): Promise<ExitCode> {
  const wish = sessionWish(context, args);
  if (!wish.ok) return wish.error;
  const layout = await locateProject(context);
  if (!layout.ok) return layout.error;
  const { machine } = args;
  return runInGuest(context, layout.value, { machine, command: guestWords(args.command) }, wish.value);
}

import { type Context, tell } from '../context.ts';
import type { ExitCode } from '../exit-codes.ts';
import { isRunning } from '../guest/choose.ts';
import { selectRecords } from '../machine-names.ts';
import { locateProject } from '../project.ts';
import { readRecords } from '../records.ts';
import { run as logs } from './logs.ts';

export interface ConsoleArgs {
  readonly machine: string;
  readonly tail: number | 'all';
  readonly follow: boolean;
  readonly timestamps?: boolean;
}

/** `krun console`: what the guest's kernel and libkrun say, as long as the machine runs. */
export async function run(context: Context, args: ConsoleArgs): Promise<ExitCode> {
  const layout = await locateProject(context);
  if (!layout.ok) return layout.error;
  const records = await readRecords(context, layout.value);
  if (!records.ok) return records.error;
  const chosen = selectRecords(context, records.value, [args.machine]);
  if (!chosen.ok) return chosen.error;
  const runs = chosen.value.some(({ state }) => isRunning(state));
  if (!runs && args.follow) tell(context, `${args.machine} does not run; this is its last console`);
  return logs(context, {
    machines: [args.machine],
    stream: 'console',
    tail: args.tail,
    follow: runs && args.follow,
    timestamps: args.timestamps ?? false,
    logPrefix: false,
    color: true,
    format: 'text',
  });
}

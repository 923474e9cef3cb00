import { isActive } from '../../plan/machine-state.ts';
import { psJson, psTable } from '../../view/ps.ts';
import { type Context, print, tell } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { selectRecords } from '../machine-names.ts';
import { locateProject } from '../project.ts';
import { readRecords } from '../records.ts';

export interface PsArgs {
  readonly machines: readonly string[];
  readonly all?: boolean;
  readonly quiet?: boolean;
  readonly services?: boolean;
  readonly status?: readonly string[];
  readonly trunc: boolean;
  readonly format: 'table' | 'json';
}

/** `krun ps`: reads records only, so that it is fast and works with any krun.yaml. */
export async function run(context: Context, args: PsArgs): Promise<ExitCode> {
  const layout = await locateProject(context);
  if (!layout.ok) return layout.error;
  const records = await readRecords(context, layout.value);
  if (!records.ok) return records.error;
  const chosen = selectRecords(context, records.value, args.machines);
  if (!chosen.ok) return chosen.error;
  const wanted = chosen.value.filter((record) => {
    if (args.status !== undefined) return args.status.includes(record.state.status);
    return args.all || args.machines.length > 0 || isActive(record.state);
  });
  if (args.quiet || args.services) {
    for (const record of wanted) print(context, record.machine);
    return EXIT.ok;
  }
  if (args.format === 'json') {
    for (const record of wanted) print(context, psJson(record));
    return EXIT.ok;
  }
  const room = { width: context.stdout.columns, whole: !args.trunc };
  print(context, psTable(wanted, context.now(), room));
  const hidden = chosen.value.length - wanted.length;
  if (hidden > 0 && args.status === undefined) {
    const what = hidden === 1 ? '1 machine does' : `${hidden} machines do`;
    tell(context, `${what} not run (krun ps -a shows all)`);
  }
  return EXIT.ok;
}

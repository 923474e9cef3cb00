import { isActive } from '../../plan/machine-state.ts';
import { type Context, tell } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { selectRecords } from '../machine-names.ts';
import { locateProject } from '../project.ts';
import { confirm } from '../question.ts';
import { readRecords } from '../records.ts';
import { perform } from '../requests.ts';

export interface RmArgs {
  readonly machines: readonly string[];
  readonly force?: boolean;
  readonly stop?: boolean;
}

/** `krun rm`: asks, as compose does. */
export async function run(context: Context, args: RmArgs): Promise<ExitCode> {
  const layout = await locateProject(context);
  if (!layout.ok) return layout.error;
  const records = await readRecords(context, layout.value);
  if (!records.ok) return records.error;
  const chosen = selectRecords(context, records.value, args.machines);
  if (!chosen.ok) return chosen.error;
  const doomed = chosen.value.filter((record) => args.stop || !isActive(record.state));
  if (doomed.length === 0) {
    tell(
      context,
      chosen.value.length === 0
        ? 'there are no machines'
        : 'no stopped machines (krun rm --stop stops them first)',
    );
    return EXIT.ok;
  }
  if (!args.force) {
    const names = doomed.map((record) => record.machine).join(', ');
    const question = { text: `Remove ${names}?`, about: `removing ${names}`, option: '-f' };
    const answer = await confirm(context, question);
    if (!answer.ok) return answer.error;
    if (!answer.value) return EXIT.ok;
  }
  return perform(context, layout.value, { type: 'rm', machines: args.machines, stop: args.stop ?? false });
}

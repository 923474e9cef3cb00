import { observeDisks } from '../../supervisor/observe.ts';
import { err, ok, type Result } from '../../base/result.ts';
import type { Layout } from '../../store/layout.ts';
import { type Context, tell } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { loadForCommand } from '../load-project.ts';
import { locateProject } from '../project.ts';
import { confirm } from '../question.ts';
import { perform, timeoutOf } from '../requests.ts';

export interface DownArgs {
  readonly volumes?: boolean;
  readonly yes?: boolean;
  readonly removeOrphans?: boolean;
  /** Milliseconds. */
  readonly timeout?: number;
}

/** `krun down`: works without a readable krun.yaml; only `-v` needs it, to know which disks are protected. */
export async function run(context: Context, args: DownArgs): Promise<ExitCode> {
  const layout = await locateProject(context);
  if (!layout.ok) return layout.error;
  const disks = args.volumes ? await doomedDisks(context, layout.value, args) : ok(undefined);
  if (!disks.ok) return disks.error;
  return perform(context, layout.value, {
    type: 'down',
    removeDisks: disks.value !== undefined,
    protectedDisks: disks.value ?? [],
    ...timeoutOf(args.timeout),
  });
}

/** Names of the disks that must stay, after the question about the others; undefined when none is to go. */
async function doomedDisks(
  context: Context,
  layout: Layout,
  args: DownArgs,
): Promise<Result<readonly string[] | undefined, ExitCode>> {
  const loaded = await loadForCommand(context, []);
  if (!loaded.ok) {
    tell(context, 'krun down without -v works with any krun.yaml; -v has to know which disks are protected');
    return err(loaded.error);
  }
  const configured = Object.values(loaded.value.project.disks);
  const kept = configured.filter((disk) => disk.protect).map((disk) => disk.name);
  const present = Object.keys(await observeDisks(layout));
  const doomed = present.filter((name) => !kept.includes(name));
  if (doomed.length === 0) {
    // Otherwise the plan tells it.
    for (const name of present) tell(context, `disk ${name} is kept: it is protected (protect: true)`);
    return ok(undefined);
  }
  if (args.yes) return ok(kept);
  const what = doomed.length === 1 ? `disk ${doomed.join()}` : `disks ${doomed.join(', ')}`;
  const answer = await confirm(context, {
    text: `Delete ${what} and all data on ${doomed.length === 1 ? 'it' : 'them'}?`,
    about: `deleting ${what}`,
    option: '-y',
  });
  if (!answer.ok) return answer;
  if (answer.value) return ok(kept);
  tell(context, 'nothing was done');
  return err(EXIT.failure);
}

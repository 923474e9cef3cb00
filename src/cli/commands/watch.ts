import { tellDiagnostics } from '../project.ts';
import { createPaint } from '../../view/style.ts';
import { watchLines } from '../../view/watch.ts';
import { type Context, tell, tellJson, wantsJson } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { type LoadedProject, loadForCommand } from '../load-project.ts';
import { createProgress } from '../progress.ts';
import { perform, upToDateLines } from '../requests.ts';
import { machinesOfUp } from '../up-machines.ts';
import { createProjectWatch, type WatchOutput } from '../watch-project.ts';
import { knowsAll, upRequest } from './up.ts';

export interface WatchArgs {
  readonly machines: readonly string[];
  /** False for `--no-up`. */
  readonly up: boolean;
  readonly quiet?: boolean;
  readonly prune?: boolean;
}

/** `krun watch`. */
export async function run(context: Context, args: WatchArgs): Promise<ExitCode> {
  const loaded = await loadForCommand(context, args.machines);
  if (!loaded.ok) return loaded.error;
  const { project } = loaded.value;
  if (!knowsAll(context, project, args.machines)) return EXIT.usage;
  const toldContext = args.quiet ? withQuietProgress(context) : context;
  if (args.up) {
    const code = await up(toldContext, loaded.value, args);
    if (code !== EXIT.ok) return code;
  }
  const watch = createProjectWatch(context, {
    loaded: loaded.value,
    named: args.machines,
    request: (newest) => request(newest, args),
    choose: ({ machines }) => (args.machines.length > 0 ? args.machines : Object.keys(machines)),
    isPruning: args.prune ?? false,
    output: await createOutput(toldContext, args),
  });
  const unlisten = context.interrupts.listen(() => void watch.close());
  try {
    const ended = await watch.run();
    if (ended.ok) return EXIT.ok;
    await tellDiagnostics(context, [ended.error]);
    return EXIT.failure;
  } finally {
    unlisten();
    await watch.close();
  }
}

function up(context: Context, loaded: LoadedProject, args: WatchArgs): Promise<ExitCode> {
  const wanted = request(loaded, args);
  return perform(context, loaded.layout, wanted, {
    onPlan: (plan) => upToDateLines(machinesOfUp(loaded.project, wanted), plan),
  });
}

function request(
  loaded: Pick<LoadedProject, 'project' | 'result'>,
  { machines }: WatchArgs,
): ReturnType<typeof upRequest> {
  return upRequest(loaded, { machines, deps: true, recreate: true, start: true });
}

async function createOutput(context: Context, { quiet }: WatchArgs): Promise<WatchOutput> {
  const paint = createPaint(context.stderr.color);
  const progress = await createProgress(context, { withLogs: true });
  return {
    report(report) {
      if (quiet && (report.type === 'watch-step' || report.type === 'watch-ready')) return;
      if (wantsJson(context)) tellJson(context, { ...report });
      else for (const line of watchLines(report, paint)) tell(context, line);
    },
    progress: (event) => progress.event(event),
    between: (write) => write(),
  };
}

function withQuietProgress(context: Context): Context {
  return { ...context, global: { ...context.global, progress: 'quiet' } };
}

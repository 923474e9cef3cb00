import { setTimeout as delay } from 'node:timers/promises';
import { errnoOf } from '../../host/errno.ts';
import type { Layout } from '../../store/layout.ts';
import type { MachineRecord } from '../../store/records.ts';
import { type MachineStats, statsJson, statsTable } from '../../view/stats.ts';
import { type Context, print, tellError } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { isRunning } from '../guest/choose.ts';
import { tellNotRunning } from '../guest/open.ts';
import { StatsCollector } from '../guest/stats-collector.ts';
import { selectRecords } from '../machine-names.ts';
import { locateProject } from '../project.ts';
import { readRecords } from '../records.ts';

export interface StatsArgs {
  readonly machines: readonly string[];
  /** False for one look only. */
  readonly stream: boolean;
  readonly format: 'table' | 'json';
}

/** Between two looks; the first one is only there for the second to have something to compare with. */
const FIRST_MS = 500;
const INTERVAL_MS = 1000;

/** `krun stats`: what machines use, again and again until Ctrl-C. */
export async function run(context: Context, args: StatsArgs): Promise<ExitCode> {
  const layout = await locateProject(context);
  if (!layout.ok) return layout.error;
  const records = await readRecords(context, layout.value);
  if (!records.ok) return records.error;
  const chosen = selectRecords(context, records.value, args.machines);
  if (!chosen.ok) return chosen.error;
  if (!(await someRun(context, args, chosen.value))) return EXIT.failure;
  let code: ExitCode = EXIT.ok;
  const ending = new AbortController();
  const unlisten = context.interrupts.listen((signal) => {
    code = signal === 'SIGINT' ? EXIT.interrupted : EXIT.terminated;
    ending.abort();
  });
  const collector = new StatsCollector(layout.value);
  try {
    await follow(context, layout.value, { args, collector, signal: ending.signal });
  } catch (error) {
    if (errnoOf(error) !== 'ABORT_ERR') throw error;
  } finally {
    unlisten();
    collector.close();
  }
  return code;
}

/** Whether there is something to look at; a machine that is named and does not run is told. */
async function someRun(
  context: Context,
  { machines }: StatsArgs,
  chosen: readonly MachineRecord[],
): Promise<boolean> {
  const resting = chosen.filter(({ state }) => !isRunning(state));
  if (machines.length > 0) for (const record of resting) await tellNotRunning(context, record);
  else if (resting.length === chosen.length) tellError(context, 'no machine runs', 'krun up starts them');
  return resting.length < chosen.length;
}

interface Following {
  readonly args: StatsArgs;
  readonly collector: StatsCollector;
  readonly signal: AbortSignal;
}

async function follow(
  context: Context,
  layout: Layout,
  { args, collector, signal }: Following,
): Promise<void> {
  const show = args.format === 'json' ? showJson(context) : showTable(context);
  for (let round = 0; ; round++) {
    const records = await readRecords(context, layout, { wake: false });
    if (!records.ok) return;
    const wanted = records.value.filter(
      ({ machine, state }) =>
        isRunning(state) && (args.machines.length === 0 || args.machines.includes(machine)),
    );
    const stats = await collector.collect(wanted);
    signal.throwIfAborted();
    if (round > 0) show(stats);
    if (round > 0 && !args.stream) return;
    await delay(round === 0 ? FIRST_MS : INTERVAL_MS, undefined, { signal });
  }
}

function showJson(context: Context): (stats: readonly MachineStats[]) => void {
  return (stats) => {
    for (const each of stats) print(context, statsJson(each));
  };
}

/** On a terminal each table takes the place of the last one. */
function showTable(context: Context): (stats: readonly MachineStats[]) => void {
  const { stream, isTty, columns } = context.stdout;
  let shown = 0;
  return (stats) => {
    const lines = statsTable(stats, columns).split('\n');
    if (!isTty) {
      print(context, `${shown > 0 ? '\n' : ''}${lines.join('\n')}`);
      shown = lines.length;
      return;
    }
    // Lines above the screen could not be reached any more.
    const room = ((stream as NodeJS.WriteStream).rows || 24) - 1;
    const fitting = lines.length <= room ? lines : lines.slice(0, room);
    const back = shown === 0 ? '' : `\u001b[${shown}A\u001b[0J`;
    stream.write(`${back}${fitting.join('\n')}\n`);
    shown = fitting.length;
  };
}

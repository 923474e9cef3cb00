import { readdir } from 'node:fs/promises';
import { unlessMissing } from '../../host/errno.ts';
import { createLogView, logJson, logLabel, type LogView } from '../../view/logs.ts';
import { machineLayout, type Layout, type Stream } from '../../store/layout.ts';
import { type LogEntry, type LogQuery, readLogs } from '../../store/log-read.ts';
import { readProjectState } from '../../store/record-files.ts';
import type { LogLine, MachineRecord } from '../../store/records.ts';
import { resolveTimePoint, type TimePoint } from '../time-point.ts';
import { type Context, print, tell } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { followLogs } from '../log-follow.ts';
import { machineLogs, networkLogs } from '../helper-logs.ts';
import { type NamedSource, viewEntry } from '../log-output.ts';
import { selectRecords } from '../machine-names.ts';
import { locateProject } from '../project.ts';
import { readRecords } from '../records.ts';

export interface LogsArgs {
  readonly machines: readonly string[];
  readonly follow?: boolean;
  readonly tail: number | 'all';
  readonly since?: TimePoint;
  readonly until?: TimePoint;
  readonly timestamps?: boolean;
  readonly logPrefix: boolean;
  readonly color: boolean;
  readonly grep?: RegExp;
  readonly stream?: Stream | 'all';
  /** What helpers and networks say; beside `stream` where that is given, instead of the guests otherwise. */
  readonly helpers?: boolean;
  readonly format: 'text' | 'json';
}

/** `krun logs`: straight from the files. */
export async function run(context: Context, args: LogsArgs): Promise<ExitCode> {
  const located = await locateProject(context);
  if (!located.ok) return located.error;
  const layout = located.value;
  const records = await readRecords(context, layout);
  if (!records.ok) return records.error;
  // Who follows may wait for machines that are yet to be created.
  const chosen = selectRecords(
    context,
    records.value,
    args.follow && records.value.length === 0 ? [] : args.machines,
  );
  if (!chosen.ok) return chosen.error;
  const sources = sourcesOf(layout, chosen.value, args);
  const query = queryOf(context, args);
  const view = viewOf(context, args, sources);
  const write = (entry: LogEntry<NamedSource>): void => {
    const seen = viewEntry(entry);
    if (args.format === 'json') print(context, logJson(seen));
    else context.stdout.stream.write(view.entry(seen));
  };
  if (args.follow) return follow(context, { layout, args, query, write });
  if (chosen.value.length === 0) tell(context, 'there are no machines (krun up creates them)');
  for await (const entry of readLogs(sources, query)) write(entry);
  return EXIT.ok;
}

interface Following {
  readonly layout: Layout;
  readonly args: LogsArgs;
  readonly query: LogQuery;
  readonly write: (entry: LogEntry<NamedSource>) => void;
}

/** Follows until Ctrl-C, or until the time of `--until`. */
async function follow(context: Context, following: Following): Promise<ExitCode> {
  const { layout, args, query } = following;
  const end = new AbortController();
  let code: ExitCode = EXIT.ok;
  const unlisten = context.interrupts.listen((signal) => {
    code = signal === 'SIGINT' ? EXIT.interrupted : EXIT.terminated;
    end.abort();
  });
  const remainingMs = query.until && query.until.getTime() - context.now();
  const timer =
    remainingMs === undefined ? undefined : setTimeout(() => end.abort(), Math.max(0, remainingMs));
  const { tail: _, ...laterQuery } = query;
  try {
    await followLogs({
      list: () => (withHelpers(args) ? recordedSources(layout, args) : machineSources(layout, args)),
      query,
      laterQuery,
      parents: [layout.machinesDirectory, ...(withNetworks(args) ? [layout.networksDirectory] : [])],
      signal: end.signal,
      onEntry: following.write,
    });
  } finally {
    clearTimeout(timer);
    unlisten();
  }
  return code;
}

/** Whether lines of helpers may be shown, which are told apart by what the records say. */
function withHelpers(args: LogsArgs): boolean {
  return withNetworks(args) || args.stream === 'all';
}

/** Whether networks' logs are wanted too. */
function withNetworks({ helpers, stream }: LogsArgs): boolean {
  return helpers === true || stream === 'helper';
}

/** Logs of the machines that are there; which ones is in the names of directories, so no record is read. */
async function machineSources(layout: Layout, { machines }: LogsArgs): Promise<readonly NamedSource[]> {
  const present = (await unlessMissing(readdir(layout.machinesDirectory))) ?? [];
  return present
    .filter((machine) => machines.length === 0 || machines.includes(machine))
    .toSorted()
    .map((machine) => ({ origin: { machine }, file: machineLayout(layout, machine).logFile }));
}

/** Logs of machines and of their networks, as the records have them now. */
async function recordedSources(layout: Layout, args: LogsArgs): Promise<readonly NamedSource[]> {
  const state = await readProjectState(layout);
  // Told before the following began; a record that is damaged meanwhile changes nothing of what is followed.
  if (!state.ok) return [];
  const records = Object.values(state.value.machines).filter(
    ({ machine }) => args.machines.length === 0 || args.machines.includes(machine),
  );
  return sourcesOf(layout, records, args);
}

function sourcesOf(
  layout: Layout,
  records: readonly MachineRecord[],
  args: LogsArgs,
): readonly NamedSource[] {
  return [...machineLogs(layout, records), ...(withNetworks(args) ? networkLogs(layout, records) : [])];
}

function queryOf(context: Context, args: LogsArgs): LogQuery {
  const { grep } = args;
  const date = (point: TimePoint): Date => new Date(resolveTimePoint(point, context.now()));
  return {
    ...(args.tail !== 'all' && { tail: args.tail }),
    ...(args.since && { since: date(args.since) }),
    ...(args.until && { until: date(args.until) }),
    accept: acceptance(args),
    ...(grep && { matches: (text: string) => grep.test(text) }),
  };
}

/** Which streams are wanted. */
function acceptance({ stream, helpers }: LogsArgs): (line: LogLine) => boolean {
  const guest = stream ?? (helpers ? 'helper' : undefined);
  return ({ s }) => {
    if (helpers && (s === 'helper' || s === 'network')) return true;
    if (guest === undefined) return s === 'stdout' || s === 'stderr';
    return guest === 'all' || s === guest;
  };
}

function viewOf(context: Context, args: LogsArgs, sources: readonly NamedSource[]): LogView {
  const { stream, helpers } = args;
  const guests = stream === 'helper' || (helpers && stream === undefined) ? [] : (['stdout'] as const);
  const streams = [...guests, ...(withHelpers(args) ? (['helper'] as const) : [])];
  const labels = sources.flatMap(({ origin }) =>
    // A machine without a helper has no lines of one to make room for.
    streams
      .filter((each) => each !== 'helper' || 'network' in origin || 'helper' in origin)
      .map((each) => logLabel(origin, each)),
  );
  return createLogView({
    labels,
    color: args.color && context.stdout.color,
    prefix: args.logPrefix,
    timestamps: args.timestamps ?? false,
  });
}

import { readdir } from 'node:fs/promises';
import { unlessMissing } from '../../host/errno.ts';
import { createLogView, logJson, type LogView } from '../../view/logs.ts';
import { machineLayout, type Layout } from '../../store/layout.ts';
import { type LogEntry, type LogQuery, type LogSource, readLogs } from '../../store/log-read.ts';
import type { LogLine } from '../../store/records.ts';
import { resolveTimePoint, type TimePoint } from '../time-point.ts';
import { type Context, print, tell } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { followLogs } from '../log-follow.ts';
import { viewEntry } from '../log-output.ts';
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
  readonly stream?: 'stdout' | 'stderr' | 'console' | 'all';
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
  const query = queryOf(context, args);
  const view = viewOf(
    context,
    args,
    chosen.value.map((record) => record.machine),
  );
  const write = (entry: LogEntry): void => {
    const seen = viewEntry(entry);
    if (args.format === 'json') print(context, logJson(seen));
    else context.stdout.stream.write(view.entry(seen));
  };
  if (!args.follow) {
    if (chosen.value.length === 0) tell(context, 'there are no machines (krun up creates them)');
    const sources = chosen.value.map((record) => sourceOf(layout, record.machine));
    for await (const entry of readLogs(sources, query)) write(entry);
    return EXIT.ok;
  }
  return follow(context, { layout, names: args.machines, query, write });
}

interface Following {
  readonly layout: Layout;
  readonly names: readonly string[];
  readonly query: LogQuery;
  readonly write: (entry: LogEntry) => void;
}

/** Follows until Ctrl-C, or until the time of `--until`. */
async function follow(context: Context, following: Following): Promise<ExitCode> {
  const { layout, names, query } = following;
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
    await followLogs(
      async () => {
        const machines = (await unlessMissing(readdir(layout.machinesDirectory))) ?? [];
        const wanted = names.length === 0 ? machines : machines.filter((machine) => names.includes(machine));
        return wanted.toSorted().map((machine) => sourceOf(layout, machine));
      },
      {
        query,
        laterQuery,
        machinesDirectory: layout.machinesDirectory,
        signal: end.signal,
        onEntry: following.write,
      },
    );
  } finally {
    clearTimeout(timer);
    unlisten();
  }
  return code;
}

function sourceOf(layout: Layout, machine: string): LogSource {
  return { machine, file: machineLayout(layout, machine).logFile };
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
function acceptance(args: LogsArgs): (line: LogLine) => boolean {
  const { stream } = args;
  return ({ s }) =>
    stream === undefined ? s === 'stdout' || s === 'stderr' : stream === 'all' || s === stream;
}

function viewOf(context: Context, args: LogsArgs, machines: readonly string[]): LogView {
  return createLogView({
    machines,
    color: args.color && context.stdout.color,
    prefix: args.logPrefix,
    timestamps: args.timestamps ?? false,
  });
}

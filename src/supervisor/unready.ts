import type { Health } from '../plan/health.ts';
import { machineLayout, type Layout } from '../store/layout.ts';
import { readLogs } from '../store/log-read.ts';
import type { LogLine, MachineRecord } from '../store/records.ts';

const LOG_LINES = 8;
const OUTPUT_LINES = 8;

/** What helps to find out why a machine is not where somebody waits for it to be. */
export interface Unready {
  readonly hint: string;
  readonly details: readonly string[];
}

/** The last that its health check found, what the file says about that, and the last lines of its log. */
export async function unready(layout: Layout, record: MachineRecord): Promise<Unready> {
  const { machine, state, definition } = record;
  const health = state.status === 'running' ? state.health : undefined;
  const said = await lastLines(layout, record);
  return {
    hint: definition.healthcheck?.hint ?? `its output: krun logs ${machine}`,
    details: [...probeLines(health), ...below('the last lines of its log:', said)],
  };
}

/** `its health check: pg_isready exited with 2`, with the output of the probe below. */
function probeLines(health: Health | undefined): readonly string[] {
  const failure = health?.lastFailure;
  if (!failure) return [];
  const times = health.failures === 1 ? 'once' : `${health.failures} times`;
  const output = (failure.output ?? '').split('\n').slice(-OUTPUT_LINES);
  return below(`its health check failed ${times}: ${failure.message}`, failure.output ? output : []);
}

function below(title: string, lines: readonly string[]): readonly string[] {
  if (lines.length === 0 && title.endsWith(':')) return [];
  return [title, ...lines.map((line) => `  ${line}`)];
}

/** What the guest's command said last; the console where it said nothing. */
async function lastLines(layout: Layout, { machine, run }: MachineRecord): Promise<readonly string[]> {
  const { logFile } = machineLayout(layout, machine);
  const ofCommand = ({ s }: LogLine): boolean => s === 'stdout' || s === 'stderr';
  const said = await tail(logFile, (line) => line.r === run && ofCommand(line));
  return said.length > 0 ? said : tail(logFile, (line) => line.r === run && line.s === 'console');
}

async function tail(file: string, accept: (line: LogLine) => boolean): Promise<readonly string[]> {
  const lines: string[] = [];
  for await (const { line } of readLogs([{ file }], { tail: LOG_LINES, accept })) lines.push(line.l);
  return lines;
}

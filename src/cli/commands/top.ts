import type { Layout } from '../../store/layout.ts';
import { machineLayout } from '../../store/layout.ts';
import type { MachineRecord } from '../../store/records.ts';
import { runSession } from '../../session/run-session.ts';
import { isKernelThread, parseProcesses, PROCESS_SCRIPT, topJson, topTable } from '../../view/top.ts';
import { type Context, print, tellError } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { isRunning } from '../guest/choose.ts';
import { tellNotRunning, tellRefusal } from '../guest/open.ts';
import { selectRecords } from '../machine-names.ts';
import { locateProject } from '../project.ts';
import { readRecords } from '../records.ts';

export interface TopArgs {
  readonly machines: readonly string[];
  readonly all?: boolean;
  readonly format: 'table' | 'json';
}

const MOST_OUTPUT_BYTES = 8 * 1024 * 1024;
const PATIENCE_MS = 10_000;

/** `krun top`: the processes in guests. */
export async function run(context: Context, args: TopArgs): Promise<ExitCode> {
  const layout = await locateProject(context);
  if (!layout.ok) return layout.error;
  const records = await readRecords(context, layout.value);
  if (!records.ok) return records.error;
  const chosen = selectRecords(context, records.value, args.machines);
  if (!chosen.ok) return chosen.error;
  const isNamed = args.machines.length > 0;
  const meant = isNamed ? chosen.value : chosen.value.filter(({ state }) => isRunning(state));
  if (meant.length === 0) {
    tellError(context, 'no machine runs', 'krun up starts them');
    return EXIT.failure;
  }
  const looks = await Promise.all(meant.map((record) => look(context, layout.value, record)));
  let isFirst = true;
  for (const [index, text] of looks.entries()) {
    const machine = meant[index]?.machine ?? '';
    if (text === undefined) continue;
    const processes = parseProcesses(text).filter((process) => args.all || !isKernelThread(process));
    if (args.format === 'json') for (const process of processes) print(context, topJson(machine, process));
    else print(context, `${isFirst ? '' : '\n'}${machine}\n${topTable(processes, context.stdout.columns)}`);
    isFirst = false;
  }
  return looks.includes(undefined) ? EXIT.failure : EXIT.ok;
}

/** What the guest says; undefined where it says nothing, which is told. */
async function look(context: Context, layout: Layout, record: MachineRecord): Promise<string | undefined> {
  const { machine, state } = record;
  if (!isRunning(state)) {
    await tellNotRunning(context, record);
    return undefined;
  }
  const answer = await runSession(
    machineLayout(layout, machine).controlSocket,
    // Users of the guest may not see each other's processes.
    { command: ['/bin/sh', '-c', PROCESS_SCRIPT], environment: {}, user: '0', workingDir: '/' },
    { timeoutMs: PATIENCE_MS, maxOutputBytes: MOST_OUTPUT_BYTES },
  );
  if (!answer.ok) {
    await tellRefusal(context, layout, machine, answer.error);
    return undefined;
  }
  const { exitCode, error, stdout, stderr } = answer.value;
  if (exitCode === 0) return stdout;
  tellError(context, `${machine}: ${error ?? (stderr.trim() || `ps ended with ${exitCode}`)}`);
  return undefined;
}

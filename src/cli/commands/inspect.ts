import { redactPlain } from '../../config/redact.ts';
import { readJsonIfPresent } from '../../host/atomic-file.ts';
import { machineLayout, rawFile, runLayout, STREAMS } from '../../store/layout.ts';
import type { Layout } from '../../store/layout.ts';
import type { MachineRecord } from '../../store/records.ts';
import { type Context, print, tellError } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { selectRecords } from '../machine-names.ts';
import { locateProject } from '../project.ts';
import { readRecords } from '../records.ts';

export interface InspectArgs {
  readonly machines: readonly string[];
  readonly calls?: boolean;
  readonly format?: 'text' | 'json';
}

/** `krun inspect`: all that is known, as one JSON array; of the environment no secrets, for it is shown to others. */
export async function run(context: Context, args: InspectArgs): Promise<ExitCode> {
  if (args.calls) return (await import('../inspect-calls.ts')).inspectCalls(context, args);
  if (args.format === 'text') {
    tellError(context, '`--format text` is for `--calls`', 'leave it out: what is known is JSON');
    return EXIT.usage;
  }
  const layout = await locateProject(context);
  if (!layout.ok) return layout.error;
  const records = await readRecords(context, layout.value);
  if (!records.ok) return records.error;
  const chosen = selectRecords(context, records.value, args.machines);
  if (!chosen.ok) return chosen.error;
  const described = await Promise.all(chosen.value.map((record) => describe(layout.value, record)));
  print(context, JSON.stringify(described, undefined, 2));
  return EXIT.ok;
}

async function describe(layout: Layout, record: MachineRecord): Promise<object> {
  const machine = machineLayout(layout, record.machine);
  const files = runLayout(machine, record.run);
  const spec = (await readJsonIfPresent(files.specFile)) as { readonly library?: unknown } | undefined;
  const { definition, ...rest } = record;
  const { hidden, ...shown } = definition;
  return {
    name: record.machine,
    project: { id: layout.id, directory: layout.projectDirectory },
    record: rest,
    process: (await readJsonIfPresent(files.identityFile)) ?? null,
    paths: {
      directory: machine.directory,
      controlSocket: machine.controlSocket,
      log: machine.logFile,
      raw: Object.fromEntries(STREAMS.map((stream) => [stream, rawFile(machine, record.run, stream)])),
    },
    libkrun: spec?.library ?? null,
    definition: redactPlain(shown, new Set(hidden)),
  };
}

import { redactPlain } from '../config/redact.ts';
import { readJsonIfPresent } from '../host/atomic-file.ts';
import { calls } from '../machine/configure.ts';
import { StartFailure } from '../machine/failure.ts';
import { MACHINE_SPEC_VERSION, type MachineSpec } from '../machine/spec.ts';
import { isActive } from '../plan/machine-state.ts';
import type { Project } from '../project/project.ts';
import { machineLayout, runLayout, type Layout } from '../store/layout.ts';
import type { MachineRecord } from '../store/records.ts';
import { ActionFailure } from '../supervisor/failure.ts';
import { LeaseBook } from '../supervisor/lease-book.ts';
import { machineSpec } from '../supervisor/machine-spec.ts';
import { callsJson, callsText, type MachineCalls } from '../view/calls.ts';
import type { Capabilities } from '../vm/call-list.ts';
import { type Context, print, tellError } from './context.ts';
import { probeLibraries } from './doctor/libraries.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { loadForCommand, type LoadedProject } from './load-project.ts';
import { tellUnknownMachine } from './machine-names.ts';
import { tellDiagnostics } from './project.ts';
import { readRecords } from './records.ts';

export interface InspectCallsArgs {
  readonly machines: readonly string[];
  readonly format?: 'text' | 'json';
}

/**
 * `krun inspect --calls`: what libkrun is told about machines, the run's where one runs, else what a start would tell now.
 * Nothing is started or remembered for it, and secrets are not shown.
 */
export async function inspectCalls(context: Context, args: InspectCallsArgs): Promise<ExitCode> {
  const loaded = await loadForCommand(context, args.machines);
  if (!loaded.ok) return loaded.error;
  const { project, layout } = loaded.value;
  const records = await readRecords(context, layout, { wake: false });
  if (!records.ok) return records.error;
  const known = Object.keys(project.machines);
  const unknown = args.machines.filter((name) => !known.includes(name));
  for (const name of unknown) tellUnknownMachine(context, name, known);
  if (unknown.length > 0) return EXIT.failure;
  const found: MachineCalls[] = [];
  for (const machine of args.machines.length === 0 ? known : args.machines) {
    const described = await describe(context, loaded.value, records.value, machine);
    if (described === undefined) return EXIT.failure;
    found.push(described);
  }
  print(context, args.format === 'json' ? callsJson(found) : callsText(found));
  return EXIT.ok;
}

/** Undefined after a problem, which has been told. */
async function describe(
  context: Context,
  { project, layout }: LoadedProject,
  records: readonly MachineRecord[],
  machine: string,
): Promise<MachineCalls | undefined> {
  const record = records.find((one) => one.machine === machine);
  try {
    const running = record && isActive(record.state) ? await runningSpec(layout, record) : undefined;
    const spec = running ?? (await nextSpec(project, layout, records, machine));
    const definitions = [project.machines[machine], running && record?.definition];
    const secrets = new Set(definitions.flatMap((definition) => definition?.hidden ?? []));
    const shown = redactPlain(spec, secrets) as MachineSpec;
    const capabilities = await capabilitiesOf(context, spec.library);
    const made = calls(shown, capabilities);
    if (!made.ok) {
      await tellDiagnostics(context, made.error);
      return undefined;
    }
    return { machine, ...(running ? { run: running.run } : {}), calls: made.value };
  } catch (error) {
    if (!(error instanceof ActionFailure || error instanceof StartFailure)) throw error;
    const { message, hint } = error instanceof StartFailure ? error.failure : error;
    tellError(context, message, hint);
    return undefined;
  }
}

/** What the process of the newest run was told. */
async function runningSpec(layout: Layout, record: MachineRecord): Promise<MachineSpec | undefined> {
  const { specFile } = runLayout(machineLayout(layout, record.machine), record.run);
  const spec = (await readJsonIfPresent(specFile)) as MachineSpec | undefined;
  if (spec === undefined || spec.version === MACHINE_SPEC_VERSION) return spec;
  throw new ActionFailure(
    `machine ${record.machine} was started by another version of krun`,
    `restart it: krun restart ${record.machine}`,
  );
}

/** What a process would be told if the machine were started now. */
async function nextSpec(
  project: Project,
  layout: Layout,
  records: readonly MachineRecord[],
  machine: string,
): Promise<MachineSpec> {
  const definition = project.machines[machine];
  if (!definition) throw new ActionFailure(`no machine ${machine}`);
  const others = records.filter((one) => one.machine !== machine);
  const endpoint = await new LeaseBook(layout).preview(definition, others);
  const neighbours = Object.values(project.machines).filter((one) => one.name !== machine);
  const run = (records.find((one) => one.machine === machine)?.run ?? 0) + 1;
  return machineSpec({ layout, project: project.name, definition, run, endpoint, neighbours });
}

async function capabilitiesOf(context: Context, library: MachineSpec['library']): Promise<Capabilities> {
  const probe = await probeLibraries(context.self, library.libkrun, library.libkrunfw);
  if (!probe.loaded)
    throw new ActionFailure(
      `${library.libkrun} cannot be loaded: ${probe.reason}`,
      '`krun doctor` checks the libraries',
    );
  const { functions, features } = probe;
  return {
    functions: new Set(functions),
    arch: process.arch,
    os: context.platform,
    hasFeature: (feature) => features?.includes(feature.toLowerCase().replaceAll('_', '-')),
  };
}

import { nearest } from '../../base/text.ts';
import { readJsonIfPresent } from '../../host/atomic-file.ts';
import type { MachineSpec, ProcessIdentity } from '../../machine/spec.ts';
import { isActive } from '../../plan/machine-state.ts';
import type { NetworkChoice } from '../../project/project.ts';
import {
  helperFile,
  type Layout,
  machineLayout,
  networkLayout,
  type RunLayout,
  runLayout,
} from '../../store/layout.ts';
import { readNetworkRecord } from '../../store/record-files.ts';
import type { MachineRecord } from '../../store/records.ts';
import type { NetworkAnswer, SeenMember, SeenNetwork } from '../../view/network.ts';
import { networkDetails, networkText } from '../../view/network-inspect.ts';
import { type Context, print, tellError } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { loadConfiguration } from '../load-project.ts';
import { seeNetworks } from '../networks.ts';
import { locateProject } from '../project.ts';
import { readRecords } from '../records.ts';

export interface NetworkInspectArgs {
  readonly networks: readonly string[];
  readonly format: 'json' | 'text';
}

/** `krun network inspect`: all that is known, as one JSON array or for people. */
export async function run(context: Context, args: NetworkInspectArgs): Promise<ExitCode> {
  const layout = await locateProject(context);
  if (!layout.ok) return layout.error;
  const records = await readRecords(context, layout.value);
  if (!records.ok) return records.error;
  const networks = await seeNetworks(layout.value, records.value);
  const known = networks.map(({ name }) => name);
  const unknown = args.networks.filter((name) => !known.includes(name));
  for (const name of unknown) tellUnknownNetwork(context, name, known);
  if (unknown.length > 0) return EXIT.failure;
  const choices = await choicesOf(context);
  const meant = networks.filter(({ name }) => args.networks.length === 0 || args.networks.includes(name));
  const runs = activeRuns(layout.value, records.value);
  const chosen = await Promise.all(
    meant.map(async (network) => ({
      ...network,
      ...whyOf(network, choices[network.name]),
      members: await Promise.all(
        network.members.map(async (member) => ({ ...member, ...(await helperOf(member, runs)) })),
      ),
    })),
  );
  print(context, args.format === 'json' ? await jsonOf(layout.value, chosen) : textOf(context, chosen));
  return EXIT.ok;
}

async function jsonOf(layout: Layout, networks: readonly SeenNetwork[]): Promise<string> {
  const described = networks.map(async (network) => ({
    ...networkDetails(network),
    project: { id: layout.id, directory: layout.projectDirectory },
    ...(network.process && (await processOf(layout, network.name, network.process))),
  }));
  return JSON.stringify(await Promise.all(described), undefined, 2);
}

/** The process of a network, where there is one, and where its files are. */
async function processOf(layout: Layout, network: string, { kind }: NetworkAnswer): Promise<object> {
  const files = networkLayout(layout, network);
  const { directory, controlSocket, logFile } = files;
  const record = await readNetworkRecord(layout, network);
  const run = record.ok ? record.value?.run : undefined;
  const isThere = kind !== 'absent' && run !== undefined;
  const identity = isThere ? await readJsonIfPresent(runLayout(files, run).identityFile) : undefined;
  return { process: identity ?? null, paths: { directory, controlSocket, log: logFile } };
}

function textOf(context: Context, networks: readonly SeenNetwork[]): string {
  return networks.map((network) => networkText(network, context.stdout.columns)).join('\n\n');
}

function activeRuns(layout: Layout, records: readonly MachineRecord[]): ReadonlyMap<string, RunLayout> {
  const active = records.filter(({ state }) => isActive(state));
  return new Map(active.map(({ machine, run }) => [machine, runLayout(machineLayout(layout, machine), run)]));
}

/** The program behind a machine's interface, where its process runs one. */
async function helperOf(
  { machine, mac, device }: SeenMember,
  runs: ReadonlyMap<string, RunLayout>,
): Promise<Pick<SeenMember, 'helper'>> {
  const run = runs.get(machine);
  if (!run) return {};
  const spec = (await readJsonIfPresent(run.specFile)) as Partial<MachineSpec> | undefined;
  const backend = spec?.network?.interfaces.find((each) => each.mac === mac)?.backend;
  if (!backend || !('program' in backend)) return {};
  const identity = await readJsonIfPresent(helperFile(run, device));
  const { pid } = (identity ?? {}) as Partial<ProcessIdentity>;
  return { helper: { path: backend.program, ...(pid !== undefined && { pid }) } };
}

/** What krun.yaml says now; one that is gone or has mistakes does not keep anybody from looking. */
async function choicesOf(context: Context): Promise<Readonly<Record<string, NetworkChoice>>> {
  // Standard input was never asked for here.
  if (context.global.files.includes('-')) return {};
  const { project } = await loadConfiguration(context, []);
  return project?.networks ?? {};
}

function whyOf({ definition }: SeenNetwork, choice: NetworkChoice | undefined): { readonly why?: string } {
  return choice?.why !== undefined && choice.driver === definition.driver ? { why: choice.why } : {};
}

function tellUnknownNetwork(context: Context, name: string, known: readonly string[]): void {
  const close = nearest(name, known);
  const hint =
    close !== undefined
      ? `did you mean ${close}?`
      : known.length > 0
        ? `networks: ${known.join(', ')}`
        : 'krun up creates machines, and with them their networks';
  tellError(context, `no network ${name}`, hint);
}

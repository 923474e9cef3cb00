import { type Diagnostic, hasErrors } from '../base/diagnostic.ts';
import { own } from '../base/record.ts';
import { secretsOf } from '../config/redact.ts';
import type { HelpersConfig, KrunFile, LibkrunConfig } from '../config/schema.gen.ts';
import type { MapTree } from '../source/tree.ts';
import { dependencyPlace, reportCycles } from './depends-on.ts';
import { checkDeviceBudget } from './device-budget.ts';
import { checkDiskUsers } from './disk-users.ts';
import { resolveDisk } from './disks.ts';
import type { HostEnvironment } from './env.ts';
import type { HostFacts } from './host-facts.ts';
import { type HostScope, resolveHostPath } from './host-path.ts';
import { checkHostPlaces } from './host-places.ts';
import { dependencyGraph } from './graph.ts';
import { type MachineScope, type ResolvedMachine, resolveMachine } from './machine.ts';
import { resolveNetworks } from './networks.ts';
import { originTexts } from './origins.ts';
import { type Findings, Place } from './place.ts';
import type { Disk, HelperName, HelperPaths, LibkrunSettings, Machine, Project } from './project.ts';
import { selectProfiles } from './select.ts';
import { shareBuilds } from './shared-builds.ts';

/** A valid file with everything that its meaning depends on. */
export interface ResolveInput {
  /** The merged and validated file, with environment files already in it. */
  readonly config: KrunFile;
  /** The same with positions. */
  readonly tree: MapTree;
  /** Real, absolute directory from which relative paths start. */
  readonly directory: string;
  /** Configuration files in merge order, absolute. */
  readonly files: readonly string[];
  /** Their texts, and those of included files, by path, for the lines in {@link Project.origins}; no origins without them. */
  readonly texts?: ReadonlyMap<string, string>;
  readonly name: string;
  /** Name that `-p` gave. */
  readonly nameOverride?: string;
  readonly profiles: readonly string[];
  /** Machines named on the command line: their profiles are active. */
  readonly named?: readonly string[];
  readonly hostCpus: number;
  /** As Node says it: `x64` or `arm64`; x64, where devices are scarce, when absent. */
  readonly hostArch?: string;
  readonly host: HostFacts;
  /** krun's own environment, for variables without a value. */
  readonly environment: HostEnvironment;
}

/** The project, or no project and what is wrong; warnings come with a project. */
export interface ResolveResult {
  readonly project?: Project;
  readonly diagnostics: Diagnostic[];
}

/** Turns the author's words into the one shape that all later steps read, and reports every semantic mistake at once. */
export function resolveProject(input: ResolveInput): ResolveResult {
  const { config, directory } = input;
  const findings: Findings = { diagnostics: [], origins: new Map() };
  const at = new Place(input.tree, findings);
  const selection = selectProfiles(config.machines, input.profiles, input.named);
  findings.diagnostics.push(...selection.diagnostics);
  const disks = resolveDisks(config, at.child('disks'));
  const paths = { directory, environment: input.environment };
  const libkrun = resolveLibkrun(config.libkrun, paths, at.child('libkrun'));
  const helpers = resolveHelpers(config.helpers, paths, at.child('helpers'));
  const networks = resolveNetworks(
    {
      ...paths,
      file: config,
      enabled: selection.enabled,
      host: input.host,
      configured: helpers,
      project: { directory, nameOverride: input.nameOverride },
    },
    at,
  );
  const scope: MachineScope = {
    ...paths,
    file: config,
    disks,
    enabled: selection.enabled,
    hostCpus: input.hostCpus,
    hostArch: input.hostArch ?? 'x64',
    hostPlatform: input.host.platform,
    libkrun,
    helpers,
    networks: networks.machines,
  };
  const machines = shareBuilds(resolveMachines(scope, at.child('machines')));
  checkTogether(machines, input, at.child('machines'));
  if (hasErrors(findings.diagnostics)) return { diagnostics: findings.diagnostics };
  const secrets = [...secretsOf(input.tree)].toSorted();
  const project: Project = {
    name: input.name,
    directory,
    files: input.files,
    libkrun,
    machines: Object.fromEntries(machines.map(({ machine }) => [machine.name, withHidden(machine, secrets)])),
    disabledMachines: selection.disabled,
    disks: Object.fromEntries(disks),
    networks: networks.choices,
    origins: originTexts(input.tree, findings.origins, input.texts ?? new Map(), directory),
  };
  return { project, diagnostics: findings.diagnostics };
}

/** The variables may have other values by the time that a record is shown. */
function withHidden(machine: Machine, secrets: readonly string[]): Machine {
  const text = JSON.stringify(machine);
  const hidden = secrets.filter((secret) => text.includes(JSON.stringify(secret).slice(1, -1)));
  return hidden.length === 0 ? machine : { ...machine, hidden };
}

function resolveDisks(config: KrunFile, at: Place): ReadonlyMap<string, Disk> {
  const entries = Object.entries(config.disks ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return new Map(entries.map(([name, disk]) => [name, resolveDisk(name, disk, at.child(name))]));
}

function resolveLibkrun(config: LibkrunConfig | undefined, host: HostScope, at: Place): LibkrunSettings {
  const { library, kernel_bundle: kernelBundle } = config ?? {};
  return {
    ...(library === undefined ? {} : { library: resolveHostPath(library, host, at.child('library')) }),
    ...(kernelBundle === undefined
      ? {}
      : { kernelBundle: resolveHostPath(kernelBundle, host, at.child('kernel_bundle')) }),
    logLevel: config?.log_level ?? 'warn',
  };
}

function resolveHelpers(config: HelpersConfig | undefined, host: HostScope, at: Place): HelperPaths {
  const helpers: Partial<Record<HelperName, string>> = {};
  for (const name of ['gvproxy', 'passt', 'vmnet-helper'] as const) {
    const path = config?.[name];
    if (path !== undefined) helpers[name] = resolveHostPath(path, host, at.child(name));
  }
  return helpers;
}

function resolveMachines(scope: MachineScope, at: Place): readonly ResolvedMachine[] {
  return Object.entries(scope.file.machines)
    .filter(([name]) => scope.enabled.has(name))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, config]) => resolveMachine(config, scope, at.child(name)));
}

/** What no machine can know alone. */
function checkTogether(machines: readonly ResolvedMachine[], input: ResolveInput, at: Place): void {
  const byName = Object.fromEntries(machines.map(({ machine }) => [machine.name, machine]));
  const { machines: configs } = input.config;
  reportCycles(dependencyGraph(byName), (machine, need) =>
    dependencyPlace(own(configs, machine)?.depends_on, need, at.child(machine, 'depends_on')),
  );
  checkDiskUsers(machines);
  checkHostPlaces(machines);
  for (const machine of machines) checkDeviceBudget(machine, input.hostArch ?? 'x64');
}

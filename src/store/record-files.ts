import { readdir } from 'node:fs/promises';
import { errorDiagnostic, type Diagnostic } from '../base/diagnostic.ts';
import { err, ok, type Result } from '../base/result.ts';
import { readJsonIfPresent, writeJson } from '../host/atomic-file.ts';
import { errnoOf, systemHint, unlessMissing } from '../host/errno.ts';
import { currentDefinition } from '../project/older-definition.ts';
import { machineLayout, networkLayout, type Layout } from './layout.ts';
import {
  STATE_SCHEMA_VERSION,
  type Leases,
  type MachineRecord,
  type NetworkRecord,
  type ProjectRecord,
} from './records.ts';

/** Everything that the records of a project say; nothing of it has been compared with reality yet. */
export interface ProjectState {
  readonly project: ProjectRecord | undefined;
  /** By machine name, sorted. */
  readonly machines: Readonly<Record<string, MachineRecord>>;
}

/** Reads the records of a project. A project that was never started has none. */
export async function readProjectState(layout: Layout): Promise<Result<ProjectState, Diagnostic>> {
  try {
    return await readState(layout);
  } catch (error) {
    const code = errnoOf(error);
    if (code === undefined) throw error;
    const { path: file = layout.stateDirectory } = error as NodeJS.ErrnoException;
    const hint = systemHint(code);
    return err(errorDiagnostic('state', `cannot read ${file}: ${code}`, hint === undefined ? {} : { hint }));
  }
}

async function readState(layout: Layout): Promise<Result<ProjectState, Diagnostic>> {
  const project = versioned(layout.projectFile, await readJsonIfPresent(layout.projectFile), isProjectRecord);
  if (!project.ok) return project;
  const entries = (await unlessMissing(readdir(layout.machinesDirectory))) ?? [];
  const machines: Record<string, MachineRecord> = {};
  for (const name of entries.toSorted()) {
    const record = await readMachineRecord(layout, name);
    if (!record.ok) return record;
    if (record.value) machines[name] = record.value;
  }
  return ok({ project: project.value, machines });
}

export async function readMachineRecord(
  layout: Layout,
  machine: string,
): Promise<Result<MachineRecord | undefined, Diagnostic>> {
  const { recordFile } = machineLayout(layout, machine);
  const record = versioned(recordFile, await readJsonIfPresent(recordFile), isMachineRecord);
  if (!record.ok || !record.value) return record;
  return ok({ ...record.value, definition: currentDefinition(record.value.definition) });
}

/** Written durably: after a power cut the definition must be there, or its disks would have no owner. */
export function writeMachineRecord(layout: Layout, record: MachineRecord): Promise<void> {
  return writeJson(machineLayout(layout, record.machine).recordFile, record);
}

export function writeProjectRecord(layout: Layout, record: ProjectRecord): Promise<void> {
  return writeJson(layout.projectFile, record);
}

/** The record of a network that has, or had, a process. */
export async function readNetworkRecord(
  layout: Layout,
  network: string,
): Promise<Result<NetworkRecord | undefined, Diagnostic>> {
  const { recordFile } = networkLayout(layout, network);
  return versioned(recordFile, await readJsonIfPresent(recordFile), isNetworkRecord);
}

/** Not durable: after a reboot there is no process that the record could speak of. */
export function writeNetworkRecord(layout: Layout, record: NetworkRecord): Promise<void> {
  return writeJson(networkLayout(layout, record.network).recordFile, record, { durable: false });
}

/** Addresses and ports that krun chose for the project; none before its first start. */
export async function readLeases(layout: Layout): Promise<Result<Leases, Diagnostic>> {
  const leases = versioned(layout.leasesFile, await readJsonIfPresent(layout.leasesFile), isLeases);
  if (!leases.ok) return leases;
  return ok(leases.value ?? { schemaVersion: STATE_SCHEMA_VERSION, addresses: {}, ports: {} });
}

export function writeLeases(layout: Layout, leases: Leases): Promise<void> {
  return writeJson(layout.leasesFile, leases);
}

function versioned<T extends { readonly schemaVersion: number }>(
  file: string,
  value: unknown,
  isRecord: (value: object) => value is T,
): Result<T | undefined, Diagnostic> {
  if (value === undefined) return ok(undefined);
  const record = typeof value === 'object' && value !== null ? value : {};
  const version = 'schemaVersion' in record ? record.schemaVersion : undefined;
  if (typeof version === 'number' && version > STATE_SCHEMA_VERSION) {
    return err(
      errorDiagnostic(
        'state',
        `${file} was written by a newer krun (state version ${version}; this krun knows ${STATE_SCHEMA_VERSION})`,
        { hint: 'update krun, or run the newer krun down first' },
      ),
    );
  }
  if (typeof version === 'number' && isRecord(record)) return ok(record);
  return err(
    errorDiagnostic('state', `${file} is not a record of krun`, {
      hint: 'move the file away; krun then knows nothing of what it recorded',
    }),
  );
}

/** For a file that was damaged or edited: krun itself writes records whole or not at all. */
function isMachineRecord(value: object): value is MachineRecord {
  const { machine, definition, state, run, hash } = value as Partial<MachineRecord>;
  return (
    typeof machine === 'string' &&
    typeof hash === 'string' &&
    typeof run === 'number' &&
    typeof definition?.name === 'string' &&
    typeof definition.root?.kind === 'string' &&
    typeof state?.status === 'string'
  );
}

function isNetworkRecord(value: object): value is NetworkRecord {
  const { network, definition, run } = value as Partial<NetworkRecord>;
  return typeof network === 'string' && typeof definition?.driver === 'string' && typeof run === 'number';
}

function isLeases(value: object): value is Leases {
  const { addresses, ports } = value as Partial<Leases>;
  return typeof addresses === 'object' && typeof ports === 'object';
}

function isProjectRecord(value: object): value is ProjectRecord {
  const { name, directory, files } = value as Partial<ProjectRecord>;
  return typeof name === 'string' && typeof directory === 'string' && Array.isArray(files);
}

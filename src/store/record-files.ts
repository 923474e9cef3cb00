import { readdir } from 'node:fs/promises';
import { errorDiagnostic, type Diagnostic } from '../base/diagnostic.ts';
import { err, ok, type Result } from '../base/result.ts';
import { readJsonIfPresent, writeJson } from '../host/atomic-file.ts';
import { unlessMissing } from '../host/errno.ts';
import { machineLayout, type Layout } from './layout.ts';
import { STATE_SCHEMA_VERSION, type MachineRecord, type ProjectRecord } from './records.ts';

/** Everything that the records of a project say; nothing of it has been compared with reality yet. */
export interface ProjectState {
  readonly project: ProjectRecord | undefined;
  /** By machine name, sorted. */
  readonly machines: Readonly<Record<string, MachineRecord>>;
}

/** Reads the records of a project. A project that was never started has none. */
export async function readProjectState(layout: Layout): Promise<Result<ProjectState, Diagnostic>> {
  const project = versioned<ProjectRecord>(layout.projectFile, await readJsonIfPresent(layout.projectFile));
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
  return versioned<MachineRecord>(recordFile, await readJsonIfPresent(recordFile));
}

/** Written durably: after a power cut the definition must be there, or its disks would have no owner. */
export function writeMachineRecord(layout: Layout, record: MachineRecord): Promise<void> {
  return writeJson(machineLayout(layout, record.machine).recordFile, record);
}

export function writeProjectRecord(layout: Layout, record: ProjectRecord): Promise<void> {
  return writeJson(layout.projectFile, record);
}

function versioned<T extends { readonly schemaVersion: number }>(
  file: string,
  value: unknown,
): Result<T | undefined, Diagnostic> {
  if (value === undefined) return ok(undefined);
  const version =
    typeof value === 'object' && value !== null && 'schemaVersion' in value ? value.schemaVersion : undefined;
  if (typeof version !== 'number') {
    return err(
      errorDiagnostic('state', `${file} is not a record of krun`, {
        hint: 'move the file away; a machine that still runs is found again by its own files',
      }),
    );
  }
  if (version > STATE_SCHEMA_VERSION) {
    return err(
      errorDiagnostic(
        'state',
        `${file} was written by a newer krun (state version ${version}; this krun knows ${STATE_SCHEMA_VERSION})`,
        { hint: 'update krun, or run the newer krun down first' },
      ),
    );
  }
  return ok(value as T);
}

import { open, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Diagnostic } from '../base/diagnostic.ts';
import { ok, type Result } from '../base/result.ts';
import { readTextIfPresent } from '../host/atomic-file.ts';
import { unlessMissing } from '../host/errno.ts';
import type { Observed, ObservedDisk, ObservedMachine } from '../plan/observed.ts';
import type { GrantValues } from '../project/grant-values.ts';
import type { Project } from '../project/project.ts';
import type { Layout } from '../store/layout.ts';
import { readProjectState } from '../store/record-files.ts';
import type { MachineRecord, ProjectRecord } from '../store/records.ts';
import type { GrantContents } from './grant-contents.ts';
import { growthNote } from './machine-spec.ts';
import { sight, stateAsSeen } from './sighting.ts';

/** What a plan is made for: it also depends on files of the user's. */
export interface Wanted {
  readonly project: Project;
  readonly grantValues?: GrantValues;
  /** What the machines got; read from the project's file when absent. */
  readonly grants?: GrantContents;
}

const NO_CHANGES = { staleBuilds: {}, changedGrants: {} };

/** What is true of a project now, with the records behind it. */
export interface ObservedProject extends Observed {
  readonly project: ProjectRecord | undefined;
  /** Records with the state as it was seen, not as it was written. */
  readonly records: Readonly<Record<string, MachineRecord>>;
}

/**
 * Looks at a project without changing anything, so it needs no supervisor: `ps`, `plan` and `--dry-run` use it. With what
 * is wanted it also says which builds are stale, and which secrets and configs have changed.
 */
export async function observeProject(
  layout: Layout,
  wanted?: Wanted,
): Promise<Result<ObservedProject, Diagnostic>> {
  const state = await readProjectState(layout);
  if (!state.ok) return state;
  const records: Record<string, MachineRecord> = {};
  for (const [name, record] of Object.entries(state.value.machines)) {
    const seen = stateAsSeen(layout, record, await sight(layout, record));
    records[name] = { ...record, state: seen };
  }
  const observed = await observedOf(layout, records, wanted);
  return ok({ ...observed, project: state.value.project, records });
}

/** The planner's view of records whose states are true. */
export async function observedOf(
  layout: Layout,
  records: Readonly<Record<string, MachineRecord>>,
  wanted: Wanted | undefined,
): Promise<Observed> {
  const machines = Object.fromEntries(
    Object.entries(records).map(([name, record]) => [name, observedMachine(record)]),
  );
  // Loaded for plans only: `ps` has to be fast.
  const changes = wanted
    ? await (await import('./observe-changes.ts')).observeChanges(layout, wanted)
    : NO_CHANGES;
  return { machines, disks: await observeDisks(layout), ...changes };
}

function observedMachine({ hash, definition, state, stoppedByUser }: MachineRecord): ObservedMachine {
  return { hash, definition, state, stoppedByUser };
}

/** Disks by name, from their images. */
export async function observeDisks(layout: Layout): Promise<Record<string, ObservedDisk>> {
  const names = ((await unlessMissing(readdir(layout.disksDirectory))) ?? []).toSorted();
  const disks: Record<string, ObservedDisk> = {};
  for (const name of names) {
    const match = /^([^.].*)\.(raw|qcow2)$/.exec(name);
    if (!match?.[1]) continue;
    const file = path.join(layout.disksDirectory, name);
    const format = match[2] === 'qcow2' ? 'qcow2' : 'raw';
    const sizeBytes = format === 'qcow2' ? await qcow2Size(file) : (await stat(file)).size;
    const sizeBefore = await readTextIfPresent(growthNote(layout, match[1]));
    disks[match[1]] = { format, sizeBytes: sizeBefore === undefined ? sizeBytes : Number(sizeBefore) };
  }
  return disks;
}

/** Virtual size in a qcow2 header: big-endian, at byte 24. */
async function qcow2Size(file: string): Promise<number> {
  const handle = await open(file, 'r');
  try {
    const { buffer } = await handle.read(Buffer.alloc(8), 0, 8, 24);
    return Number(buffer.readBigUInt64BE(0));
  } finally {
    await handle.close();
  }
}

import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { readJsonIfPresent, writeJson } from '../host/atomic-file.ts';
import { unlessMissing } from '../host/errno.ts';
import { dataDirectory, type Layout, type LayoutEnvironment } from './layout.ts';

/** One project in the user's index: all that is needed to find its layout again. */
export interface IndexEntry {
  readonly id: string;
  readonly name: string;
  readonly directory: string;
  /** The `-p` name, where one was given. */
  readonly nameOverride?: string;
  readonly files: readonly string[];
}

/** Puts the project into the user's index; nothing is written when it is there already. */
export async function addToIndex(layout: Layout, entry: IndexEntry): Promise<void> {
  const before = await readJsonIfPresent(layout.indexFile);
  if (JSON.stringify(before) === JSON.stringify(entry)) return;
  await mkdir(path.dirname(layout.indexFile), { recursive: true, mode: 0o700 });
  await writeJson(layout.indexFile, entry);
}

export function removeFromIndex(layout: Layout): Promise<void> {
  return rm(layout.indexFile, { force: true });
}

/** All projects of the user that have machines, sorted by name and directory. */
export async function readIndex(environment: LayoutEnvironment): Promise<readonly IndexEntry[]> {
  const directory = path.join(dataDirectory(environment), 'projects');
  const names = ((await unlessMissing(readdir(directory))) ?? []).filter((name) => name.endsWith('.json'));
  const entries = await Promise.all(names.map((name) => readJsonIfPresent(path.join(directory, name))));
  return entries
    .filter(isIndexEntry)
    .toSorted((a, b) => compare(a.name, b.name) || compare(a.directory, b.directory));
}

function isIndexEntry(value: unknown): value is IndexEntry {
  if (typeof value !== 'object' || value === null) return false;
  const entry = value as Partial<IndexEntry>;
  return [entry.id, entry.name, entry.directory].every((field) => typeof field === 'string');
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

import { isActive } from '../../plan/machine-state.ts';
import { type ProjectRow, lsJson, lsTable } from '../../view/ls.ts';
import { projectLayout } from '../../store/layout.ts';
import { type IndexEntry, readIndex } from '../../store/project-index.ts';
import { readProjectState } from '../../store/record-files.ts';
import { type Context, print, tellError } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';

export interface LsArgs {
  readonly all?: boolean;
  readonly quiet?: boolean;
  readonly format: 'table' | 'json';
}

/** `krun ls`: all projects of the user, from anywhere. */
export async function run(context: Context, args: LsArgs): Promise<ExitCode> {
  const entries = await readIndex(context.env);
  const rows = (await Promise.all(entries.map((entry) => rowOf(context, entry))))
    .filter((row) => row !== undefined)
    .filter((row) => args.all || row.active > 0);
  if (args.quiet) for (const row of rows) print(context, row.name);
  else if (args.format === 'json') for (const row of rows) print(context, lsJson(row));
  else print(context, lsTable(rows, context.stdout.columns));
  return EXIT.ok;
}

/** Undefined for an entry whose project is gone: the directory was deleted without `krun down`. */
async function rowOf(context: Context, entry: IndexEntry): Promise<ProjectRow | undefined> {
  const layout = projectLayout(entry.directory, entry.nameOverride, context.env, context.uid);
  const state = await readProjectState(layout);
  if (!state.ok) {
    tellError(context, state.error.message, state.error.hint);
    return undefined;
  }
  const records = Object.values(state.value.machines);
  if (state.value.project === undefined && records.length === 0) return undefined;
  return {
    name: entry.name,
    directory: entry.directory,
    files: entry.files,
    active: records.filter((record) => isActive(record.state)).length,
    total: records.length,
  };
}

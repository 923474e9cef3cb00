import { renderTable } from './table.ts';

/** One project of the user. */
export interface ProjectRow {
  readonly name: string;
  readonly directory: string;
  readonly files: readonly string[];
  /** Machines that run or are about to. */
  readonly active: number;
  readonly total: number;
}

export function lsTable(rows: readonly ProjectRow[], width: number | undefined): string {
  return renderTable(
    [{ title: 'NAME' }, { title: 'STATUS' }, { title: 'DIRECTORY', shrinks: true }],
    rows.map((row) => [row.name, statusText(row), row.directory]),
    width,
  );
}

/** One JSON object, for `ls --format json`; one a line. */
export function lsJson(row: ProjectRow): string {
  const { name, active, total, directory, files } = row;
  return JSON.stringify({
    name,
    status: active > 0 ? 'running' : 'stopped',
    active,
    total,
    directory,
    files,
  });
}

function statusText(row: ProjectRow): string {
  if (row.active === 0) return 'stopped';
  return row.active === row.total ? `running (${row.active})` : `running (${row.active} of ${row.total})`;
}

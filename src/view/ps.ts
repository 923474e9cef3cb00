import { commandLine } from '../base/shell.ts';
import { type Exit, isActive } from '../plan/machine-state.ts';
import { portTexts, publishedPorts, type PublishingRecord } from './ports.ts';
import { describeState } from './state.ts';
import { renderTable } from './table.ts';

/** What `ps` needs of a machine's record. */
export interface PsRecord extends PublishingRecord {
  readonly createdAt: string;
  readonly run: number;
  readonly restarts: number;
}

/** How much room the table has. */
export interface PsRoom {
  /** Columns of the terminal, if it is one. */
  readonly width: number | undefined;
  /** Whole texts, however long. */
  readonly whole?: boolean;
}

/** A script as command would push everything else out of sight. */
const COMMAND_WIDTH = 40;

export function psTable(records: readonly PsRecord[], nowMs: number, { width, whole }: PsRoom): string {
  return renderTable(
    [
      { title: 'NAME' },
      { title: 'STATUS', shrinks: true },
      { title: 'COMMAND', shrinks: true, ...(!whole && { widest: COMMAND_WIDTH }) },
      { title: 'PORTS', shrinks: true },
    ],
    records.map((record) => [
      record.machine,
      describeState(record.state, nowMs) + restartsText(record),
      commandLine(record.definition.command),
      portTexts(publishedPorts(record)).join(', '),
    ]),
    whole ? undefined : width,
  );
}

/** One JSON object, for `ps --format json`; one a line. */
export function psJson(record: PsRecord): string {
  const { state } = record;
  const exit: Exit | undefined = 'exit' in state ? state.exit : undefined;
  const reason = state.status === 'failed' ? state.reason : exit?.reason;
  return JSON.stringify({
    name: record.machine,
    status: state.status,
    active: isActive(state),
    since: 'since' in state ? state.since : record.createdAt,
    exitCode: exit?.code ?? null,
    ...(exit?.signal !== undefined && { signal: exit.signal }),
    ...(reason !== undefined && { reason }),
    ...(state.status === 'failed' && state.hint !== undefined && { hint: state.hint }),
    ...(state.status === 'running' && state.health !== undefined && { health: state.health }),
    run: record.run,
    restarts: record.restarts,
    createdAt: record.createdAt,
    kind: record.definition.kind,
    command: record.definition.command,
    ports: publishedPorts(record),
  });
}

function restartsText(record: PsRecord): string {
  if (record.restarts === 0 || record.state.status === 'restarting') return '';
  return record.restarts === 1 ? ', 1 restart' : `, ${record.restarts} restarts`;
}

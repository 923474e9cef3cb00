import { nearest } from '../base/text.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { MachineRecord } from '../store/records.ts';
import { type Context, tellError } from './context.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';

/** The records of the named machines, all where none is named; an unknown name is told and ends the command. */
export function selectRecords(
  context: Context,
  records: readonly MachineRecord[],
  names: readonly string[],
): Result<readonly MachineRecord[], ExitCode> {
  const known = records.map((record) => record.machine);
  const unknown = names.filter((name) => !known.includes(name));
  for (const name of unknown) tellUnknownMachine(context, name, known);
  if (unknown.length > 0) return err(EXIT.failure);
  return ok(names.length === 0 ? records : records.filter((record) => names.includes(record.machine)));
}

/** Says that there is no such machine, and which name may be meant. */
export function tellUnknownMachine(context: Context, name: string, known: readonly string[]): void {
  const close = nearest(name, known);
  const hint = close
    ? `did you mean ${close}?`
    : known.length > 0
      ? `machines: ${known.join(', ')}`
      : 'krun up creates machines';
  tellError(context, `no machine ${name}`, hint);
}

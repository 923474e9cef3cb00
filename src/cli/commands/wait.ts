import { isActive } from '../../plan/machine-state.ts';
import { ChangeSignal } from '../../host/change-signal.ts';
import type { MachineRecord } from '../../store/records.ts';
import { type Context, print, tellError } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { exitCodeOf } from '../guest-exit.ts';
import { selectRecords } from '../machine-names.ts';
import { locateProject } from '../project.ts';
import { readWrittenRecords } from '../records.ts';

export interface WaitArgs {
  readonly machines: readonly string[];
}

/** `krun wait`: prints `NAME CODE` as machines end, and returns the code of the last one to end. */
export async function run(context: Context, args: WaitArgs): Promise<ExitCode> {
  const layout = await locateProject(context);
  if (!layout.ok) return layout.error;
  const changes = new ChangeSignal();
  const never = new AbortController().signal;
  const ended = new Set<string>();
  let code: ExitCode = EXIT.ok;
  try {
    for (let names = args.machines; ;) {
      // Every change of state is appended to the events in that directory.
      changes.watchOnly([layout.value.stateDirectory]);
      const records = await readWrittenRecords(context, layout.value);
      if (!records.ok) return records.error;
      const chosen = selectRecords(context, records.value, names);
      if (!chosen.ok) return chosen.error;
      if (chosen.value.length === 0) {
        tellError(context, 'no machines to wait for', 'krun up creates them');
        return EXIT.failure;
      }
      names = chosen.value.map((record) => record.machine);
      for (const record of newlyEnded(chosen.value, ended)) {
        ended.add(record.machine);
        code = exitCodeOf(record.state);
        print(context, `${record.machine} ${code === EXIT.unknownExit ? codeText(record) : code}`);
      }
      if (chosen.value.every((record) => ended.has(record.machine))) return code;
      await changes.next(never);
    }
  } finally {
    changes.close();
  }
}

/** Machines that have ended since, in the order in which they did. */
function newlyEnded(records: readonly MachineRecord[], known: ReadonlySet<string>): readonly MachineRecord[] {
  const sinceOf = ({ state }: MachineRecord): string => ('since' in state ? state.since : '');
  return records
    .filter((record) => !known.has(record.machine) && !isActive(record.state))
    .toSorted((a, b) => (sinceOf(a) < sinceOf(b) ? -1 : 1));
}

/** 125 may be the guest's own code. */
function codeText({ state }: MachineRecord): string {
  return state.status === 'exited' && state.exit.code !== null ? String(state.exit.code) : 'unknown';
}

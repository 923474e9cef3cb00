import { ChangeSignal } from '../../host/change-signal.ts';
import type { Exit } from '../../plan/machine-state.ts';
import { machineLayout, type Layout } from '../../store/layout.ts';
import { readMachineRecord } from '../../store/record-files.ts';
import type { LogLine, MachineRecord } from '../../store/records.ts';
import { wakeSupervisor } from '../wake-supervisor.ts';
import type { Context } from '../context.ts';
import { followLogs } from '../log-follow.ts';

/** Shows what a machine's command writes from now on, each stream on krun's own; resolves when asked to end. */
export async function showOutput(
  context: Context,
  layout: Layout,
  machine: string,
  signal: AbortSignal,
): Promise<void> {
  const sources = [{ file: machineLayout(layout, machine).logFile }];
  const query = {
    since: new Date(context.now()),
    accept: ({ s }: LogLine) => s === 'stdout' || s === 'stderr',
  };
  await followLogs({
    list: async () => sources,
    query,
    laterQuery: query,
    parents: [layout.machinesDirectory],
    signal,
    onEntry: ({ line: { s, l, p } }) => {
      const { stream } = s === 'stdout' ? context.stdout : context.stderr;
      stream.write(p ? l : `${l}\n`);
    },
  });
}

/** Resolves when a run of a machine has ended and its output is in its log; undefined where nobody knows how. */
export async function untilEnded(
  context: Context,
  layout: Layout,
  { machine, run }: Pick<MachineRecord, 'machine' | 'run'>,
  signal: AbortSignal,
): Promise<Exit | undefined> {
  const changes = new ChangeSignal();
  try {
    for (;;) {
      // Every change of state is appended to the events in that directory.
      changes.watchOnly([layout.stateDirectory]);
      await wakeSupervisor(context, layout);
      const record = await readMachineRecord(layout, machine);
      if (!record.ok || record.value?.run !== run) return undefined;
      const { state } = record.value;
      if (state.status === 'exited' || state.status === 'restarting') return state.exit;
      if (state.status === 'failed') return { code: null, reason: state.reason };
      await changes.next(signal);
      if (signal.aborted) return undefined;
    }
  } finally {
    changes.close();
  }
}

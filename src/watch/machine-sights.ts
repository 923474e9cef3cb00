import type { Diagnostic } from '../base/diagnostic.ts';
import type { Result } from '../base/result.ts';
import { ok } from '../base/result.ts';
import { ChangeSignal } from '../host/change-signal.ts';
import type { Layout } from '../store/layout.ts';
import { readProjectState } from '../store/record-files.ts';
import type { MachineRecord } from '../store/records.ts';
import type { MachineSight } from './machine-watch.ts';

/** What all machines of a project are doing, by name. */
export type Sights = ReadonlyMap<string, MachineSight>;

/** Calls back with what the machines are doing, at once and at each change, until the signal. */
export async function followSights(
  layout: Layout,
  signal: AbortSignal,
  onSights: (sights: Sights) => void,
): Promise<Result<void, Diagnostic>> {
  const changes = new ChangeSignal();
  let before = '';
  try {
    while (!signal.aborted) {
      // Every change of state is appended to the events there.
      changes.watchOnly([layout.stateDirectory]);
      const state = await readProjectState(layout);
      if (!state.ok) return state;
      const sights = new Map(
        Object.values(state.value.machines).map((record) => [record.machine, sightOf(record)]),
      );
      const text = JSON.stringify([...sights]);
      if (text !== before) onSights(sights);
      before = text;
      await changes.next(signal);
    }
    return ok(undefined);
  } finally {
    changes.close();
  }
}

function sightOf({ state, stoppedByUser }: MachineRecord): MachineSight {
  const isStoppedByUser = stoppedByUser || state.status === 'created';
  return state.status === 'running' ? { run: state.run, isStoppedByUser } : { isStoppedByUser };
}

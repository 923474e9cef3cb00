import type { Event, ToldNode } from '../plan/event.ts';
import type { Layout } from '../store/layout.ts';
import type { MachineRecord } from '../store/records.ts';
import { connectSupervisor } from '../supervisor/client.ts';
import { unready } from '../supervisor/unready.ts';
import { describeState } from '../view/state.ts';
import { type Context, tell } from './context.ts';

/** Knows the machines that a request is still waiting for. */
export class WaitedFor {
  readonly #open: Map<number, ToldNode> = new Map();

  /** Takes in the events of the request. */
  see(event: Event): void {
    switch (event.type) {
      case 'plan':
        for (const node of event.nodes) this.#open.set(node.id, node);
        return;
      case 'action-finished':
      case 'action-failed':
      case 'action-skipped':
        this.#open.delete(event.id);
        return;
      case 'action-started':
      case 'build-output':
      case 'state':
      case 'network':
      case 'done':
    }
  }

  get machines(): ReadonlySet<string> {
    const waits = [...this.#open.values()].filter(({ action }) => action.type === 'wait');
    return new Set(waits.flatMap(({ action }) => ('machine' in action ? [action.machine] : [])));
  }
}

/** Tells of each machine what it does, what its health check found, and the last of its log. */
export async function tellUnready(
  context: Context,
  layout: Layout,
  machines: ReadonlySet<string>,
): Promise<void> {
  for (const record of await currentRecords(layout)) {
    if (!machines.has(record.machine)) continue;
    const { hint, details } = await unready(layout, record);
    tell(context, `${record.machine} is ${describeState(record.state, context.now())}`);
    for (const detail of details) tell(context, `  ${detail}`);
    tell(context, `  hint: ${hint}`);
  }
}

/** As the supervisor knows them, which is more than what it has written. */
async function currentRecords(layout: Layout): Promise<readonly MachineRecord[]> {
  const supervisor = await connectSupervisor(layout);
  return typeof supervisor === 'object' ? supervisor.machines() : [];
}

import type { Event, ToldNode } from '../plan/event.ts';

/** Knows whether the failure of a machine is told by its start, which says more, so that it is not told twice. */
export class FailedStarts {
  #nodes: ReadonlyMap<number, ToldNode> = new Map();
  readonly #machines = new Set<string>();

  /** Takes in the events of a request. */
  see(event: Event): void {
    if (event.type === 'plan') this.#nodes = new Map(event.nodes.map((node) => [node.id, node]));
    if (event.type !== 'action-started' && event.type !== 'action-finished') return;
    const action = this.#nodes.get(event.id)?.action;
    if (action?.type !== 'start') return;
    if (event.type === 'action-started') this.#machines.add(action.machine);
    else this.#machines.delete(action.machine);
  }

  /** Whether the start of the machine has begun and has not succeeded. */
  tells(machine: string): boolean {
    return this.#machines.has(machine);
  }
}

import type { Action, Plan, PlanNode } from './action.ts';

/** Collects the actions of one plan. Nodes can only name earlier ones, so every plan is acyclic by construction. */
export class PlanBuilder {
  readonly #nodes: PlanNode[] = [];
  readonly #notes: string[] = [];
  readonly #errors: string[] = [];

  /** Adds an action and gives its id. */
  add(action: Action, cause: string, after: Iterable<number> = []): number {
    const id = this.#nodes.length + 1;
    const edges = [...new Set(after)].toSorted((a, b) => a - b);
    this.#nodes.push({ id, action, cause, after: edges });
    return id;
  }

  /** Adds a remark without an action. */
  note(text: string): void {
    this.#notes.push(text);
  }

  /** Adds a reason why the request cannot be done at all. */
  refuse(text: string): void {
    this.#errors.push(text);
  }

  build(): Plan {
    if (this.#errors.length > 0) return { nodes: [], notes: this.#notes, errors: this.#errors };
    return { nodes: this.#nodes, notes: this.#notes };
  }
}

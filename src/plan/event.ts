import type { MachineState } from './machine-state.ts';
import type { Action, PlanNode } from './action.ts';

/** An action as events tell it: without the definition of the machine, whose environment may hold secrets. */
export type ToldAction =
  | Exclude<Action, { readonly definition: unknown }>
  | { readonly type: 'build' | 'create' | 'update'; readonly machine: string };

/** A node of a plan as events tell it. */
export interface ToldNode extends Omit<PlanNode, 'action'> {
  readonly action: ToldAction;
}

/** A plan as events tell it. */
export function toldNodes(nodes: readonly PlanNode[]): readonly ToldNode[] {
  return nodes.map((node) => ({ ...node, action: toldAction(node.action) }));
}

function toldAction(action: Action): ToldAction {
  return 'definition' in action ? { type: action.type, machine: action.machine } : action;
}

/** Everything that can happen in a project. The supervisor records events and streams them; views render nothing else. */
export type Event = { readonly time: string } & EventBody;

export type EventBody =
  /** The plan of a request, before its first action. */
  | {
      readonly type: 'plan';
      readonly request: string;
      readonly nodes: readonly ToldNode[];
      readonly notes: readonly string[];
      /** {@link Plan.errors}; nothing is done, and `done` follows with `ok: false`. */
      readonly errors?: readonly string[];
    }
  | { readonly type: 'action-started'; readonly id: number }
  | {
      readonly type: 'action-finished';
      readonly id: number;
      /** What the user should know about it, such as a file system that has to be grown in the guest. */
      readonly note?: string;
    }
  | {
      readonly type: 'action-failed';
      readonly id: number;
      readonly message: string;
      readonly hint?: string;
      /** Lines below the message: what a probe said, the last lines of a log. */
      readonly details?: readonly string[];
    }
  /** Not tried because an action that it needs failed. */
  | { readonly type: 'action-skipped'; readonly id: number; readonly because: number }
  /** The end of a request. */
  | { readonly type: 'done'; readonly ok: boolean }
  | { readonly type: 'state'; readonly machine: string; readonly state: MachineState }
  /** The process that carries a network was started for its first machine, or ended after its last. */
  | { readonly type: 'network'; readonly network: string; readonly status: 'starting' | 'running' | 'ended' }
  /** Output of a build command. */
  | { readonly type: 'build-output'; readonly machine: string; readonly line: string };

import type { Disk, Machine } from '../project/project.ts';

/** One outside call of the executor. What it needs is in it; why it happens is its cause. */
export type Action =
  | { readonly type: 'build'; readonly machine: string; readonly definition: Machine }
  | { readonly type: 'create-disk'; readonly disk: Disk }
  | { readonly type: 'grow-disk'; readonly disk: Disk; readonly fromBytes: number }
  | { readonly type: 'remove-disk'; readonly name: string }
  | { readonly type: 'create'; readonly machine: string; readonly definition: Machine; readonly hash: string }
  /** Replaces the record of a machine that goes on as it is: what can be applied live. */
  | { readonly type: 'update'; readonly machine: string; readonly definition: Machine; readonly hash: string }
  | { readonly type: 'start'; readonly machine: string }
  /** Waits until the machine satisfies a dependant's condition. */
  | {
      readonly type: 'wait';
      readonly machine: string;
      readonly condition: WaitCondition;
      /** What comes after it goes on, with a remark, where the machine never gets there. */
      readonly isOptional?: true;
    }
  | { readonly type: 'stop'; readonly machine: string; readonly timeoutMs?: number; readonly byUser: boolean }
  | { readonly type: 'kill'; readonly machine: string; readonly signal: string }
  | { readonly type: 'remove'; readonly machine: string };

export type WaitCondition =
  | 'started'
  | 'healthy'
  | 'log_ready'
  | 'completed_successfully'
  | 'running_or_completed';

export interface PlanNode {
  /** 1-based position in topological order; ids of `after` are smaller. */
  readonly id: number;
  readonly action: Action;
  /** One line: `memory changed 512 -> 1024 MiB (krun.yaml:7)`. */
  readonly cause: string;
  readonly after: readonly number[];
}

/** A DAG of actions in topological order, with what the planner has to say about it. */
export interface Plan {
  readonly nodes: readonly PlanNode[];
  /** Remarks without an action: `orphan machine old is kept (use --remove-orphans)`. */
  readonly notes: readonly string[];
  /** Why the request cannot be done, one sentence each; `nodes` is then empty, so that nothing is half-applied. */
  readonly errors?: readonly string[];
}

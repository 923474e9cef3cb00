import os from 'node:os';
import type { Plan, PlanNode } from '../plan/action.ts';
import type { EventBody } from '../plan/event.ts';
import { describeFailure } from './failure.ts';

export interface ExecuteOptions {
  /** Does one action; its result is a remark for the user. */
  readonly run: (node: PlanNode) => Promise<string | undefined>;
  readonly emit: (event: EventBody) => void;
  /** Aborted when another request takes over: nodes that have not begun are not begun. */
  readonly signal: AbortSignal;
  /** Machines that start at the same time. */
  readonly startLimit?: number;
}

/** Booting guests compete for the host's cores; more at a time only makes each of them slower. */
export const START_LIMIT: number = Math.max(4, 2 * os.availableParallelism());

/**
 * Walks a plan: each node as soon as the nodes that it comes after are done, independent ones at the same time. Takes no
 * decisions; a failure skips what comes after it and nothing else, except that an optional wait only remarks on it. True
 * when everything was done.
 */
export async function executePlan(plan: Plan, options: ExecuteOptions): Promise<boolean> {
  const limit = new Limit(options.startLimit ?? START_LIMIT);
  /** For each node the id of the node whose failure it shares; undefined when it was done. */
  const outcomes = new Map<number, Promise<number | undefined>>();
  for (const node of plan.nodes) {
    const before = node.after.flatMap((id) => outcomes.get(id) ?? []);
    outcomes.set(node.id, runNode(node, before, { ...options, limit }));
  }
  const results = await Promise.all(outcomes.values());
  return results.every((failure) => failure === undefined);
}

async function runNode(
  node: PlanNode,
  before: readonly Promise<number | undefined>[],
  { run, emit, signal, limit }: ExecuteOptions & { readonly limit: Limit },
): Promise<number | undefined> {
  const { id } = node;
  const isOptional = node.action.type === 'wait' && node.action.isOptional === true;
  const because = (await Promise.all(before)).find((failure) => failure !== undefined);
  if (because !== undefined && !isOptional) {
    emit({ type: 'action-skipped', id, because });
    return because;
  }
  const release = node.action.type === 'start' ? await limit.enter() : undefined;
  try {
    signal.throwIfAborted();
    emit({ type: 'action-started', id });
    const note = await run(node);
    emit(note === undefined ? { type: 'action-finished', id } : { type: 'action-finished', id, note });
    return undefined;
  } catch (error) {
    const failure = describeFailure(error);
    if (isOptional && !signal.aborted) {
      emit({ type: 'action-finished', id, note: `goes on without it: ${failure.message}` });
      return undefined;
    }
    emit({ type: 'action-failed', id, ...failure });
    return id;
  } finally {
    release?.();
  }
}

/** Lets a number of callers in at a time. */
class Limit {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(size: number) {
    this.#free = size;
  }

  /** Resolves with the function that lets the next one in. */
  async enter(): Promise<() => void> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return () => {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free += 1;
    };
  }
}

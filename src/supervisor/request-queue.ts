import type { Plan } from '../plan/action.ts';
import type { EventBody } from '../plan/event.ts';
import type { Request } from '../plan/request.ts';
import { ActionFailure } from './failure.ts';

/** One request with those who want to know about it. */
export interface Job {
  readonly request: Request;
  readonly emit: (event: EventBody) => void;
  readonly signal: AbortSignal;
  /** Told once it is known; says which machines the request is about. */
  planned(plan: Plan): void;
}

interface QueuedJob extends Job {
  readonly controller: AbortController;
  machines: ReadonlySet<string> | undefined;
}

/**
 * Does requests one after the other, in the order of arrival. What ends machines does not wait for what starts them: a
 * `stop` or `down` interrupts an `up` that is about the same machines, and a `kill` interrupts a `stop`. The interrupted
 * request fails, saying by what; then the new one is planned from what there is.
 */
export class RequestQueue {
  readonly #perform: (job: Job) => Promise<void>;
  readonly #jobs: Set<QueuedJob> = new Set();
  #last: Promise<void> = Promise.resolve();

  constructor(perform: (job: Job) => Promise<void>) {
    this.#perform = perform;
  }

  get isEmpty(): boolean {
    return this.#jobs.size === 0;
  }

  /** Resolves when the request is done. */
  submit(request: Request, emit: (event: EventBody) => void): Promise<void> {
    const controller = new AbortController();
    const job: QueuedJob = {
      request,
      emit,
      controller,
      signal: controller.signal,
      machines: undefined,
      planned: (plan) => {
        job.machines = new Set(
          plan.nodes.flatMap(({ action }) => ('machine' in action ? [action.machine] : [])),
        );
      },
    };
    for (const earlier of this.#jobs) {
      if (!takesOver(request, earlier)) continue;
      const reason = `interrupted by krun ${request.type}`;
      earlier.controller.abort(
        new ActionFailure(reason, `run krun ${earlier.request.type} again to finish it`),
      );
    }
    this.#jobs.add(job);
    const work = this.#last.then(() => this.#perform(job)).finally(() => this.#jobs.delete(job));
    this.#last = work.catch(() => undefined);
    return work;
  }

  /** Ends every request: the supervisor is told to go. */
  interrupt(reason: string): void {
    for (const { controller } of this.#jobs) controller.abort(new ActionFailure(reason));
  }

  /** Resolves when nothing is left to do. */
  async idle(): Promise<void> {
    while (this.#jobs.size > 0) await this.#last;
  }
}

/** Whether a request is not to wait for an earlier one, but to end it. */
function takesOver(request: Request, earlier: QueuedJob): boolean {
  // That waits for no guest, and nobody would ask again for the removal after `krun run --rm`.
  if (earlier.request.type === 'rm' && !earlier.request.stop) return false;
  if (force(request) <= force(earlier.request)) return false;
  const wanted = namedMachines(request);
  const concerned = earlier.machines ?? namedMachines(earlier.request);
  if (wanted === undefined || concerned === undefined) return true;
  return [...wanted].some((machine) => concerned.has(machine));
}

function force(request: Request): number {
  switch (request.type) {
    case 'up':
    case 'start':
    case 'restart':
      return 0;
    case 'stop':
    case 'down':
      return 1;
    case 'rm':
      return request.stop ? 1 : 0;
    case 'kill':
      return request.signal === 'SIGKILL' ? 2 : 0;
  }
}

/** Undefined for all machines. */
function namedMachines(request: Request): ReadonlySet<string> | undefined {
  const names = request.type === 'down' ? [] : request.machines;
  return names.length === 0 ? undefined : new Set(names);
}

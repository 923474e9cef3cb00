import { existsSync } from 'node:fs';
import type { Event } from '../plan/event.ts';
import type { Request } from '../plan/request.ts';
import { nodeMachine } from '../view/actions.ts';
import type { Layout } from '../store/layout.ts';
import { type Context, tell, tellError } from './context.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { tellUnknownMachine } from './machine-names.ts';
import { createProgress } from './progress.ts';
import { openSupervisor } from './supervisor.ts';
import { tellUnready, WaitedFor } from './unready-machines.ts';

type PlanEvent = Extract<Event, { type: 'plan' }>;

export interface PerformOptions {
  /** Lines to add below the plan. */
  readonly onPlan?: (plan: PlanEvent) => readonly string[];
  /** Gives up waiting after that time; the request goes on. */
  readonly timeoutMs?: number;
}

/** Sends a request to the project's supervisor, starting one if need be, and shows its progress to the end. */
export async function perform(
  context: Context,
  layout: Layout,
  request: Request,
  options: PerformOptions = {},
): Promise<ExitCode> {
  if (request.type !== 'up' && isUntouched(layout)) return performNothing(context, request);
  const supervisor = await openSupervisor(context, layout);
  if (!supervisor.ok) return supervisor.error;
  const progress = await createProgress(context, { withLogs: false });
  const patience = createPatience(options.timeoutMs);
  const waitedFor = new WaitedFor();
  let hasPatience = true;
  try {
    const outcome = await Promise.race([consume(supervisor.value.send(request)), patience.over]);
    await progress.end();
    if (outcome === 'timeout') {
      const seconds = (options.timeoutMs ?? 0) / 1000;
      tellError(context, `not ready after ${seconds} s`, 'the request goes on; krun ps shows how far it is');
      await tellUnready(context, layout, waitedFor.machines);
      hasPatience = false;
      supervisor.value.leave();
      return EXIT.timeout;
    }
    return outcome;
  } finally {
    patience.end();
  }

  async function consume(events: AsyncIterable<Event>): Promise<ExitCode> {
    let code: ExitCode | undefined;
    for await (const event of events) {
      progress.event(event);
      waitedFor.see(event);
      if (event.type === 'plan') {
        if (context.global.progress !== 'json' && context.global.progress !== 'quiet') {
          for (const line of options.onPlan?.(event) ?? idleLines(event)) tell(context, line);
        }
      }
      if (event.type === 'done') code = event.ok ? EXIT.ok : EXIT.failure;
    }
    if (code !== undefined) return code;
    // The events were cut off by ourselves.
    if (!hasPatience) return EXIT.timeout;
    tellError(
      context,
      'the supervisor ended before the request was done',
      `its log: ${layout.supervisorLog}`,
    );
    return EXIT.failure;
  }
}

/** Whether krun has never done anything here, so that nothing has to be made for a request that ends things. */
function isUntouched({ stateDirectory, supervisorSocket }: Layout): boolean {
  return !existsSync(stateDirectory) && !existsSync(supervisorSocket);
}

function performNothing(context: Context, request: Exclude<Request, { type: 'up' }>): ExitCode {
  const [machine] = request.type === 'down' ? [] : request.machines;
  if (machine === undefined) tell(context, 'nothing to do');
  else tellUnknownMachine(context, machine, []);
  return machine === undefined ? EXIT.ok : EXIT.failure;
}

/** `-t` as a part of a request. */
export function timeoutOf(timeoutMs: number | undefined): { readonly timeoutMs?: number } {
  return timeoutMs === undefined ? {} : { timeoutMs };
}

/** A line for each machine of an `up` that has nothing to be done. */
export function upToDateLines(machines: readonly string[], plan: PlanEvent): readonly string[] {
  if (plan.errors?.length) return [];
  const touched = new Set(plan.nodes.map((node) => nodeMachine(node.action)));
  const mentioned = plan.notes.join('\n');
  return machines
    .filter(
      (machine) => !touched.has(machine) && !new RegExp(`\\b(?:task|machine) ${machine}\\b`).test(mentioned),
    )
    .map((machine) => `${machine} is up to date`);
}

function idleLines(plan: PlanEvent): readonly string[] {
  return plan.nodes.length + plan.notes.length + (plan.errors?.length ?? 0) === 0 ? ['nothing to do'] : [];
}

/** A timer as a promise. */
function createPatience(timeoutMs: number | undefined): {
  readonly over: Promise<'timeout'>;
  end(): void;
} {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<'timeout'>((resolve) => {
    if (timeoutMs !== undefined) timer = setTimeout(() => resolve('timeout'), timeoutMs);
  });
  return { over, end: () => clearTimeout(timer) };
}

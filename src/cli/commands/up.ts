import type { Project } from '../../project/project.ts';
import type { UpRequest } from '../../plan/request.ts';
import type { Layout } from '../../store/layout.ts';
import { attachUp } from '../attached-up.ts';
import { type Context, print, tellError } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { tellUnknownMachine } from '../machine-names.ts';
import { type LoadedProject, loadForCommand } from '../load-project.ts';
import { makePlan } from '../make-plan.ts';
import { machinesOfUp } from '../up-machines.ts';
import { perform, timeoutOf, upToDateLines } from '../requests.ts';
import { renderPlan } from '../../view/plan.ts';
import { createPaint } from '../../view/style.ts';

export interface UpArgs {
  readonly machines: readonly string[];
  readonly detach?: boolean;
  readonly wait?: boolean;
  /** Milliseconds. */
  readonly waitTimeout?: number;
  readonly dryRun?: boolean;
  readonly forceRecreate?: boolean;
  readonly recreate: boolean;
  readonly removeOrphans?: boolean;
  readonly deps: boolean;
  readonly start: boolean;
  readonly abortOnExit?: boolean;
  readonly abortOnFailure?: boolean;
  readonly exitCodeFrom?: string;
  readonly attach?: readonly string[];
  readonly notAttached?: readonly string[];
  readonly logPrefix: boolean;
  readonly timestamps?: boolean;
  readonly watch?: boolean;
  readonly menu: boolean;
  /** Milliseconds. */
  readonly timeout?: number;
}

/** `krun up`. */
export async function run(context: Context, args: UpArgs): Promise<ExitCode> {
  const loaded = await loadForCommand(context, args.machines);
  if (!loaded.ok) return loaded.error;
  const { project, layout } = loaded.value;
  const { machines, attach = [], notAttached = [], exitCodeFrom = [] } = args;
  const named = [machines, attach, notAttached, exitCodeFrom].flat();
  if (!knowsAll(context, project, named)) return EXIT.usage;
  const request = upRequest(loaded.value, args);
  if (args.dryRun) return dryRun(context, layout, request);
  if (args.waitTimeout !== undefined && !args.wait) {
    tellError(context, '--wait-timeout needs --wait');
    return EXIT.usage;
  }
  if (args.detach || args.wait || !args.start) {
    return perform(context, layout, request, {
      onPlan: (plan) => upToDateLines(machinesOfUp(project, request), plan),
      ...(args.waitTimeout !== undefined && { timeoutMs: args.waitTimeout }),
    });
  }
  return attachUp(context, { loaded: loaded.value, request: (newest) => upRequest(newest, args) }, args);
}

/** The request that the options mean; `krun plan` makes the same one. */
export function upRequest(
  { project, result }: Pick<LoadedProject, 'project' | 'result'>,
  args: Pick<
    UpArgs,
    'machines' | 'deps' | 'forceRecreate' | 'recreate' | 'removeOrphans' | 'start' | 'wait' | 'timeout'
  >,
): UpRequest {
  return {
    type: 'up',
    project,
    ...(result.grantValues === undefined ? {} : { grantValues: result.grantValues }),
    machines: args.machines,
    noDeps: !args.deps,
    recreate: args.forceRecreate ? 'force' : args.recreate ? 'changed' : 'never',
    removeOrphans: args.removeOrphans ?? false,
    noStart: !args.start,
    wait: args.wait ?? false,
    ...timeoutOf(args.timeout),
  };
}

async function dryRun(context: Context, layout: Layout, request: UpRequest): Promise<ExitCode> {
  const plan = await makePlan(context, layout, request);
  if (!plan.ok) return plan.error;
  print(context, renderPlan(plan.value, createPaint(context.stdout.color)));
  return plan.value.errors?.length ? EXIT.failure : EXIT.ok;
}

/** Whether krun.yaml has these machines; those that it has not are told. */
export function knowsAll(context: Context, project: Project, names: readonly string[]): boolean {
  const known = Object.keys(project.machines);
  const unknown = names.filter((name) => !known.includes(name));
  for (const name of unknown) tellUnknownMachine(context, name, known);
  return unknown.length === 0;
}

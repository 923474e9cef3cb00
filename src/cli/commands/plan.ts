import type { Plan } from '../../plan/action.ts';
import { printPlan } from '../../plan/print.ts';
import { planJson } from '../../view/plan-json.ts';
import { renderPlan } from '../../view/plan.ts';
import { createPaint } from '../../view/style.ts';
import { type Context, print } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { loadForCommand } from '../load-project.ts';
import { makePlan } from '../make-plan.ts';
import { knowsAll, upRequest } from './up.ts';

export interface PlanArgs {
  readonly machines: readonly string[];
  readonly forceRecreate?: boolean;
  readonly recreate: boolean;
  readonly removeOrphans?: boolean;
  readonly deps: boolean;
  readonly start: boolean;
  readonly format: 'text' | 'actions' | 'json';
}

/** `krun plan`: 0 when there is nothing to do, 3 when there is. */
export async function run(context: Context, args: PlanArgs): Promise<ExitCode> {
  const loaded = await loadForCommand(context, args.machines);
  if (!loaded.ok) return loaded.error;
  const { project, layout } = loaded.value;
  if (!knowsAll(context, project, args.machines)) return EXIT.usage;
  const plan = await makePlan(context, layout, upRequest(loaded.value, args));
  if (!plan.ok) return plan.error;
  print(context, planText(context, args.format, plan.value));
  if (plan.value.errors?.length) return EXIT.failure;
  return plan.value.nodes.length > 0 ? EXIT.pending : EXIT.ok;
}

function planText(context: Context, format: PlanArgs['format'], plan: Plan): string {
  switch (format) {
    case 'text':
      return renderPlan(plan, createPaint(context.stdout.color));
    case 'actions':
      return printPlan(plan);
    case 'json':
      return planJson(plan);
  }
}

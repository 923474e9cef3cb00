import { err, ok, type Result } from '../base/result.ts';
import type { Plan } from '../plan/action.ts';
import { planRequest } from '../plan/reconcile.ts';
import type { UpRequest } from '../plan/request.ts';
import type { Layout } from '../store/layout.ts';
import { observeProject } from '../supervisor/observe.ts';
import type { Context } from './context.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { tellDiagnostics } from './project.ts';

/** The plan that the supervisor would make now, made here: nothing is started for it. */
export async function makePlan(
  context: Context,
  layout: Layout,
  request: UpRequest,
): Promise<Result<Plan, ExitCode>> {
  const observed = await observeProject(layout, request);
  if (observed.ok) return ok(planRequest(request, observed.value));
  await tellDiagnostics(context, [observed.error]);
  return err(EXIT.failure);
}

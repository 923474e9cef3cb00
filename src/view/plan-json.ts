import type { Plan } from '../plan/action.ts';
import { actionSummary } from './progress-json.ts';

/** A plan as one JSON object, without the definitions. */
export function planJson(plan: Plan): string {
  const actions = plan.nodes.map(({ id, action, cause, after }) => ({
    id,
    ...actionSummary(action),
    cause,
    after,
  }));
  return JSON.stringify({ actions, notes: plan.notes, errors: plan.errors ?? [] }, undefined, 2);
}

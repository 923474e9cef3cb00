import { formatSize } from '../project/units.ts';
import type { Action, Plan, PlanNode, WaitCondition } from './action.ts';

/** What an action does, in a few words: `start web`, `create disk data (10 GiB raw)`. */
function actionText(action: Action): string {
  switch (action.type) {
    case 'create-disk':
      return `create disk ${action.disk.name} (${formatSize(action.disk.sizeBytes)} ${action.disk.format})`;
    case 'grow-disk':
      return `grow disk ${action.disk.name}`;
    case 'remove-disk':
      return `remove disk ${action.name}`;
    case 'wait':
      return `wait until ${action.machine} ${WAIT_TEXTS[action.condition]}${action.isOptional ? ' (optional)' : ''}`;
    case 'kill':
      return `kill ${action.machine} with ${action.signal}`;
    default:
      return `${action.type} ${action.machine}`;
  }
}

const WAIT_TEXTS: Readonly<Record<WaitCondition, string>> = {
  started: 'has started',
  healthy: 'is healthy',
  log_ready: 'says in its log that it is ready',
  completed_successfully: 'has completed successfully',
  running_or_completed: 'is running or done',
};

/** One action with its cause and what it waits for: `[3] start web: new machine  after [1] [2]`. */
function nodeText(node: PlanNode): string {
  const after = node.after.map((id) => ` [${id}]`).join('');
  return `[${node.id}] ${actionText(node.action)}: ${node.cause}${after === '' ? '' : `  after${after}`}`;
}

/** The whole plan as text, one line an action; `nothing to do` when it has none. */
export function printPlan(plan: Plan): string {
  const errors = (plan.errors ?? []).map((error) => `error: ${error}`);
  const nodes = plan.nodes.map(nodeText);
  const idle = errors.length + nodes.length === 0 ? ['nothing to do'] : [];
  return [...errors, ...nodes, ...idle, ...plan.notes.map((note) => `note: ${note}`)].join('\n');
}

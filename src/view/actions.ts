import { unreachable } from '../base/unreachable.ts';
import type { ToldAction } from '../plan/event.ts';

/** An action in words: what it is about, and the verb before, after and in a failure. */
export interface ActionWords {
  /** Name of the machine, or `disk data`. */
  readonly subject: string;
  readonly doing: string;
  readonly done: string;
  readonly noun: string;
}

export function actionWords(action: ToldAction): ActionWords {
  switch (action.type) {
    case 'build':
      return { subject: action.machine, doing: 'building', done: 'built', noun: 'build' };
    case 'create-disk':
      return { subject: `disk ${action.disk.name}`, doing: 'creating', done: 'created', noun: 'create' };
    case 'grow-disk':
      return { subject: `disk ${action.disk.name}`, doing: 'growing', done: 'grown', noun: 'grow' };
    case 'remove-disk':
      return { subject: `disk ${action.name}`, doing: 'deleting', done: 'deleted', noun: 'delete' };
    case 'create':
      return { subject: action.machine, doing: 'creating', done: 'created', noun: 'create' };
    case 'update':
      return { subject: action.machine, doing: 'updating', done: 'updated', noun: 'update' };
    case 'start':
      return { subject: action.machine, doing: 'starting', done: 'started', noun: 'start' };
    case 'wait':
      return { subject: action.machine, ...waitWords(action.condition) };
    case 'stop':
      return { subject: action.machine, doing: 'stopping', done: 'stopped', noun: 'stop' };
    case 'kill':
      return {
        subject: action.machine,
        doing: `sending ${action.signal}`,
        done: `got ${action.signal}`,
        noun: 'kill',
      };
    case 'remove':
      return { subject: action.machine, doing: 'removing', done: 'removed', noun: 'remove' };
    default:
      return unreachable(action);
  }
}

function waitWords(
  condition: Extract<ToldAction, { type: 'wait' }>['condition'],
): Omit<ActionWords, 'subject'> {
  switch (condition) {
    case 'started':
      return { doing: 'waiting until it has started', done: 'has started', noun: 'wait' };
    case 'healthy':
      return { doing: 'waiting until it is healthy', done: 'is healthy', noun: 'wait' };
    case 'log_ready':
      return { doing: 'waiting until its log says that it is ready', done: 'is ready', noun: 'wait' };
    case 'completed_successfully':
      return { doing: 'waiting until it has completed', done: 'completed', noun: 'wait' };
    case 'running_or_completed':
      return { doing: 'waiting until it runs or has completed', done: 'is ready', noun: 'wait' };
    default:
      return unreachable(condition);
  }
}

/** Name of the machine that an action is about; undefined for a disk. */
export function nodeMachine(action: ToldAction): string | undefined {
  return 'machine' in action ? action.machine : undefined;
}

import { unreachable } from '../base/unreachable.ts';
import type { Event, ToldNode } from '../plan/event.ts';
import { type ActionWords, actionWords } from './actions.ts';
import { describeChange } from './state.ts';

/** Renders events as lines, one each: the time, and what happened. It remembers the plan that later events refer to. */
export function createEventLines(): (event: Event) => string {
  let request = 'request';
  let nodes: ReadonlyMap<number, ToldNode> = new Map();
  const words = (id: number): ActionWords => {
    const node = nodes.get(id);
    return node
      ? actionWords(node.action)
      : { subject: `action ${id}`, doing: 'running', done: 'done', noun: 'action' };
  };
  const text = (event: Event): string => {
    switch (event.type) {
      case 'plan': {
        request = event.request;
        nodes = new Map(event.nodes.map((node) => [node.id, node]));
        const actions = nodes.size === 1 ? '1 action' : `${nodes.size} actions`;
        return `${request}: ${event.errors?.length ? event.errors.join('; ') : actions}`;
      }
      case 'action-started': {
        const cause = nodes.get(event.id)?.cause;
        const { subject, doing } = words(event.id);
        return `${subject} ${doing}${cause === undefined ? '' : `: ${cause}`}`;
      }
      case 'action-finished': {
        const { subject, done } = words(event.id);
        return `${subject} ${done}${event.note === undefined ? '' : `: ${event.note}`}`;
      }
      case 'action-failed':
        return `${words(event.id).subject} ${words(event.id).noun} failed: ${event.message}`;
      case 'action-skipped': {
        const cause = words(event.because);
        return `${words(event.id).subject} ${words(event.id).noun} skipped: ${cause.noun} of ${cause.subject} failed`;
      }
      case 'done':
        return `${request}: ${event.ok ? 'done' : 'failed'}`;
      case 'state':
        return describeChange(event.machine, event.state);
      case 'network':
        return `network ${event.network} ${event.status}`;
      case 'build-output':
        return `${event.machine} | ${event.line}`;
      default:
        return unreachable(event);
    }
  };
  return (event) => `${event.time} ${text(event)}`;
}

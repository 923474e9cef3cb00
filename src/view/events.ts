import { unreachable } from '../base/unreachable.ts';
import type { Event } from '../plan/event.ts';
import { describeChange } from './state.ts';

/** One event as one line for people: time, kind, what happened. */
export function eventLine(event: Event): string {
  return `${event.time} ${event.type} ${detail(event)}`.trimEnd();
}

function detail(event: Event): string {
  switch (event.type) {
    case 'plan': {
      const actions = event.nodes.length === 1 ? '1 action' : `${event.nodes.length} actions`;
      return `${event.request}: ${event.errors?.length ? event.errors.join('; ') : actions}`;
    }
    case 'action-started':
    case 'action-finished':
      return `${event.id}`;
    case 'action-failed':
      return `${event.id}: ${event.message}`;
    case 'action-skipped':
      return `${event.id}: action ${event.because} failed`;
    case 'done':
      return event.ok ? 'ok' : 'failed';
    case 'state':
      return describeChange(event.machine, event.state);
    case 'build-output':
      return `${event.machine}: ${event.line}`;
    default:
      return unreachable(event);
  }
}

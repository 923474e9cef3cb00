import { unreachable } from '../base/unreachable.ts';
import type { Event, ToldNode } from '../plan/event.ts';
import type { MachineState } from '../plan/machine-state.ts';
import { type ActionWords, actionWords } from './actions.ts';
import { FailedStarts } from './failed-starts.ts';
import { describeChange } from './state.ts';
import type { Paint } from './style.ts';

/** Renders the events of one request as lines; it remembers the plan, because later events name its nodes. */
export type PlainProgress = (event: Event) => readonly string[];

export function createPlainProgress(paint: Paint): PlainProgress {
  let nodes: ReadonlyMap<number, ToldNode> = new Map();
  let width = 0;
  const failedStarts = new FailedStarts();
  const words = (id: number): ActionWords => {
    const node = nodes.get(id);
    return node
      ? actionWords(node.action)
      : { subject: `action ${id}`, doing: 'running', done: 'done', noun: 'action' };
  };
  const line = (subject: string, text: string) => `${paint('bold', subject.padEnd(width))}  ${text}`;
  return (event) => {
    failedStarts.see(event);
    switch (event.type) {
      case 'plan':
        nodes = new Map(event.nodes.map((node) => [node.id, node]));
        width = Math.max(0, ...event.nodes.map((node) => actionWords(node.action).subject.length));
        return [...event.notes, ...(event.errors ?? []).map((message) => paint('red', `krun: ${message}`))];
      case 'action-started':
        return [
          line(words(event.id).subject, `${words(event.id).doing}: ${nodes.get(event.id)?.cause ?? ''}`),
        ];
      case 'action-finished':
        return [
          line(words(event.id).subject, paint('green', words(event.id).done)),
          ...(event.note === undefined ? [] : [`  note: ${event.note}`]),
        ];
      case 'action-failed':
        return [
          line(words(event.id).subject, paint('red', `${words(event.id).noun} failed: ${event.message}`)),
          ...(event.hint === undefined ? [] : [`  hint: ${event.hint}`]),
          ...(event.details ?? []).map((detail) => `  ${detail}`),
        ];
      case 'action-skipped': {
        const cause = words(event.because);
        const text = `${words(event.id).noun} skipped: ${cause.noun} of ${cause.subject} failed`;
        return [line(words(event.id).subject, paint('yellow', text))];
      }
      case 'build-output':
        return [line(event.machine, paint('dim', `| ${event.line}`))];
      case 'state':
        // The actions tell the same for what the request does itself.
        return isNews(event.state, failedStarts.tells(event.machine))
          ? [paint('red', describeChange(event.machine, event.state))]
          : [];
      case 'network':
        return [line(`network ${event.network}`, event.status)];
      case 'done':
        return [];
      default:
        return unreachable(event);
    }
  };
}

/** Whether a state is one that nobody asked for, and that no failed start tells. */
function isNews(state: MachineState, isTold: boolean): boolean {
  if (state.status === 'running') return state.health?.status === 'unhealthy';
  return state.status === 'restarting' || (state.status === 'failed' && !isTold);
}

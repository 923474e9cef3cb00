import type { Event, ToldAction } from '../plan/event.ts';

/** One event as one line of JSON. */
export function eventJson(event: Event): string {
  if (event.type !== 'plan') return JSON.stringify(event);
  return JSON.stringify({
    ...event,
    nodes: event.nodes.map((node) => ({ ...node, action: actionSummary(node.action) })),
  });
}

/** An action in the flat form that programs read. */
export function actionSummary(action: ToldAction): object {
  switch (action.type) {
    case 'build':
    case 'create':
    case 'update':
      return { type: action.type, machine: action.machine };
    case 'create-disk':
    case 'grow-disk':
      return { type: action.type, name: action.disk.name, sizeBytes: action.disk.sizeBytes };
    case 'remove-disk':
    case 'start':
    case 'wait':
    case 'stop':
    case 'kill':
    case 'remove':
      return action;
  }
}

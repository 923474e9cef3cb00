import { unreachable } from '../base/unreachable.ts';
import type { Health } from '../plan/health.ts';
import type { Exit, MachineState } from '../plan/machine-state.ts';
import { exitText } from '../plan/restart.ts';
import { formatAge } from '../project/units.ts';

/** The state with how long it lasts, for a column of `ps`. */
export function describeState(state: MachineState, nowMs: number): string {
  switch (state.status) {
    case 'created':
      return 'created';
    case 'starting':
    case 'stopping':
      return `${state.status} for ${ageOf(state.since, nowMs)}`;
    case 'running':
      return `running for ${ageOf(state.since, nowMs)}${healthOf(state.health)}`;
    case 'restarting': {
      const next = formatAge(Date.parse(state.nextAt) - nowMs + 999);
      return `restarting (${state.attempt}) in ${next}, ${exitText(state.exit)}${reasonOf(state.exit)}`;
    }
    case 'exited':
      return `${exitText(state.exit)} ${ageOf(state.since, nowMs)} ago${reasonOf(state.exit)}`;
    case 'failed':
      return `failed ${ageOf(state.since, nowMs)} ago: ${state.reason}`;
    default:
      return unreachable(state);
  }
}

/** A change of state in a line of its own: `web exited (7)`. */
export function describeChange(machine: string, state: MachineState): string {
  switch (state.status) {
    case 'created':
    case 'starting':
    case 'stopping':
      return `${machine} ${state.status}`;
    case 'running':
      return `${machine} running${healthOf(state.health)}`;
    case 'restarting':
      return `${machine} ${exitText(state.exit)}${reasonOf(state.exit)}, restarting (${state.attempt})`;
    case 'exited':
      return `${machine} ${exitText(state.exit)}${reasonOf(state.exit)}`;
    case 'failed':
      return `${machine} failed: ${state.reason}`;
    default:
      return unreachable(state);
  }
}

/** ` (healthy)`, ` (unhealthy: why)`; while it is not known yet, ` (health: starting)`. */
function healthOf(health: Health | undefined): string {
  switch (health?.status) {
    case undefined:
      return '';
    case 'starting':
      return ' (health: starting)';
    case 'healthy':
      return ' (healthy)';
    case 'unhealthy': {
      const why = health.lastFailure?.message;
      return why === undefined ? ' (unhealthy)' : ` (unhealthy: ${why})`;
    }
  }
}

function ageOf(since: string, nowMs: number): string {
  return formatAge(nowMs - Date.parse(since));
}

function reasonOf(exit: Exit): string {
  return exit.reason === undefined ? '' : `: ${exit.reason}`;
}

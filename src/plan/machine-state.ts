import type { Health } from './health.ts';

/** How a guest ended. `code` is null where nobody knows: a block root without agent, a killed machine process. */
export interface Exit {
  readonly code: number | null;
  /** Name of the signal that ended the machine process from outside, such as `SIGKILL`. */
  readonly signal?: string;
  /** Why, where the code alone does not say: a guest kernel panic, a KVM failure. */
  readonly reason?: string;
}

/**
 * The life of one machine. Each state carries just what is true in it; times are ISO 8601, `run` counts the starts of
 * the machine since it was created.
 *
 *     created --> starting --> running --> stopping --> exited
 *                   |  ^          |                        ^
 *                   |  |          `------------------------'
 *                   |  `-- restarting <-- (exited, by policy)
 *                   `--> failed  (never reported in, start refused, hung)
 */
export type MachineState =
  | { readonly status: 'created' }
  | { readonly status: 'starting'; readonly run: number; readonly since: string }
  | {
      readonly status: 'running';
      readonly run: number;
      readonly since: string;
      /** Absent for a machine without a health check. */
      readonly health?: Health;
    }
  | { readonly status: 'stopping'; readonly run: number; readonly since: string }
  | {
      readonly status: 'restarting';
      readonly run: number;
      readonly since: string;
      readonly exit: Exit;
      /** Restarts made since the last time that the machine ran long enough to count as well. */
      readonly attempt: number;
      readonly nextAt: string;
    }
  | { readonly status: 'exited'; readonly run: number; readonly since: string; readonly exit: Exit }
  | {
      readonly status: 'failed';
      readonly run: number;
      readonly since: string;
      readonly reason: string;
      readonly hint?: string;
    };

export type MachineStatus = MachineState['status'];

/** Every status, in the order of a machine's life. */
export const MACHINE_STATUSES: readonly MachineStatus[] = [
  'created',
  'starting',
  'running',
  'stopping',
  'restarting',
  'exited',
  'failed',
];

/** Whether a machine process exists, or is about to, in that state. */
export function isActive(state: MachineState): boolean {
  return (
    state.status === 'starting' ||
    state.status === 'running' ||
    state.status === 'stopping' ||
    state.status === 'restarting'
  );
}

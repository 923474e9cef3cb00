import type { EventBody } from '../../plan/event.ts';
import type { Layout } from '../../store/layout.ts';
import type { Machines } from '../machines.ts';

/** What an action may use. */
export interface ActionContext {
  readonly layout: Layout;
  /** The umask of builds. */
  readonly userMask: number;
  readonly machines: Machines;
  /** Aborted when another request takes over; its reason is an ActionFailure that says so. */
  readonly signal: AbortSignal;
  readonly emit: (event: EventBody) => void;
  /** Whether the plan makes the machine anew, so that its log goes on. */
  readonly isRecreated: (machine: string) => boolean;
}

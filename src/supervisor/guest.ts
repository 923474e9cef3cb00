import type { GuestStatus } from '../machine/status-file.ts';
import type { RunRemains } from '../machine/outcome.ts';
import { bootsItself } from '../project/boot.ts';
import type { Machine } from '../project/project.ts';

/** What an outcome depends on, besides the remains of the run. */
export function guestOf({ agent, boot, root }: Machine): Pick<RunRemains, 'guest' | 'root'> {
  const guest = agent ? 'bootstrap' : bootsItself(boot, root.kind) ? 'self' : 'direct';
  return { guest, root: root.kind };
}

/**
 * Whether the guest has reported in. One without krun's script never says anything: that it was started is all that can
 * be known.
 */
export function hasReportedIn({ agent }: Machine, status: GuestStatus): boolean {
  return agent ? status.isReady : status.startedAtMs !== undefined;
}

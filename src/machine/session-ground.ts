import type { ConsoleEnds } from './console-ends.ts';
import type { BootstrapGuest } from './console-ports.ts';
import type { ControlLines } from './control-lines.ts';
import { SessionPool } from './session-pool.ts';
import type { SessionGround } from './session-server.ts';
import { WorkloadIo } from './workload-io.ts';

/** All that sessions in a guest run on. */
export function createGround(
  guest: BootstrapGuest,
  { ends, control }: { readonly ends: ConsoleEnds; readonly control: ControlLines },
  stdoutFile: string,
): SessionGround {
  return {
    pool: new SessionPool(guest, ends, control),
    workload: new WorkloadIo(ends, control, stdoutFile),
    ...(guest.idle && { endGuest: (exitCode: number) => control.send('end', exitCode) }),
  };
}

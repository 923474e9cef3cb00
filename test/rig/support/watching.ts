import type { Rig, RunningKrun } from './rig.ts';

/** A `krun` that watches, and that leaving the block ends. */
export interface Watching extends RunningKrun, AsyncDisposable {}

export function startWatch(rig: Rig, args: readonly string[]): Watching {
  const running = rig.spawn(args);
  return Object.assign(running, {
    async [Symbol.asyncDispose](): Promise<void> {
      running.signal('SIGTERM');
      await running.result;
    },
  });
}

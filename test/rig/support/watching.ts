import { rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
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

/** Changes a file of the project in one step; one that is cut first and written then may be changed twice. */
export async function edit(rig: Rig, name: string, content: string): Promise<void> {
  const whole = path.join(rig.base, 'edited');
  await writeFile(whole, content);
  await rename(whole, path.join(rig.directory, name));
}

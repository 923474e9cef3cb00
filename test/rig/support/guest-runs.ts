import { expect } from 'vitest';
import type { Rig } from './rig.ts';

/**
 * Resolves when a command runs in a guest's terminal: what is typed before that may be flushed by a
 * Ctrl-C behind it.
 */
export async function guestRuns(rig: Rig, command: string): Promise<void> {
  await expect.poll(() => rig.ok(['top'])).toMatch(new RegExp(` S\\+? .* ${command}$`, 'm'));
}

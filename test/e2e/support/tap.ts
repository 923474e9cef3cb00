import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { programPath } from '../../rig/support/helpers.ts';

const run = promisify(execFile);
const DEVICE = '/sys/class/net/krun0';
const MKTAP = path.resolve(import.meta.dirname, '..', '..', '..', 'examples', 'tap', 'mktap.sh');

/** Why the tap device of the tests cannot be there; the emulated host has it for every user. */
export function tapProblem(): string | undefined {
  if (existsSync(DEVICE)) return undefined;
  if (process.platform !== 'linux') return 'tap devices are for Linux';
  if (process.getuid?.() !== 0) return 'only root makes tap devices';
  return programPath('ip') ? undefined : 'ip (iproute2) is not installed';
}

/** Makes krun0 as examples/tap does, unless it is there. */
export async function ensureTap(): Promise<void> {
  if (!existsSync(DEVICE)) await run(MKTAP, []);
}

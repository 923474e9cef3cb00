import { readFileSync, statSync } from 'node:fs';
import type { MachineSpec } from './spec.ts';

/** Who holds a flock on the file, where the system tells. */
export function lockHolder(file: string): string | undefined {
  if (process.platform !== 'linux') return undefined;
  const { ino } = statSync(file, { bigint: true });
  const pid = holderInLocks(readFileSync('/proc/locks', 'utf8'), ino);
  return pid === undefined ? undefined : describeProcess(pid);
}

/** The pid of the flock(2) on an inode, from the text of /proc/locks. */
export function holderInLocks(locks: string, inode: bigint): number | undefined {
  for (const line of locks.split('\n')) {
    const [, pid, found] = /^\d+: FLOCK +\S+ +\S+ +(-?\d+) +[0-9a-f]+:[0-9a-f]+:(\d+) /.exec(line) ?? [];
    if (found !== undefined && BigInt(found) === inode && Number(pid) > 0) return Number(pid);
  }
  return undefined;
}

/** The process for a message: the machine that it runs, or its program. */
export function describeProcess(pid: number): string {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    const specFile = words.find((word) => word.endsWith('/spec.json'));
    if (specFile !== undefined) {
      const { project, machine } = JSON.parse(readFileSync(specFile, 'utf8')) as MachineSpec;
      return `machine ${machine} of project ${project} (process ${pid})`;
    }
    return `process ${pid} (${words[0] ?? ''})`;
  } catch (error) {
    // It ended meanwhile, or belongs to somebody else.
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'EACCES' || code === 'ESRCH') return `process ${pid}`;
    throw error;
  }
}

import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { errnoOf } from './errno.ts';
import { processIdentity } from './identity.ts';

/** What the crash protocol (src/supervisor/run-lifetime.ts) needs of a process that is started for one run. */
export interface Run {
  readonly run: number;
  /** JSON `{"run": n}`; the process ends when it names another run, or is gone. */
  readonly intentFile: string;
  /** Where the process writes its identity before anything else. */
  readonly identityFile: string;
}

/**
 * Writes who this process is, then looks whether it is still wanted. In this order: who revokes the run either sees the
 * identity and kills, or is seen here.
 */
export function claimRun(run: Run): boolean {
  writeIdentity(run.identityFile, process.pid, run.run);
  return isWanted(run);
}

/** Writes which process a pid names, atomically; false where it has ended already. */
export function writeIdentity(file: string, pid: number, run: number): boolean {
  const identity = processIdentity(pid);
  if (!identity) return false;
  const temporary = `${file}.${process.pid}`;
  writeFileSync(temporary, JSON.stringify({ ...identity, run }), { mode: 0o600 });
  renameSync(temporary, file);
  return true;
}

/** Whether the intent names this run. */
export function isWanted({ run, intentFile }: Run): boolean {
  try {
    const intent = JSON.parse(readFileSync(intentFile, 'utf8')) as { readonly run?: number };
    return intent.run === run;
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return false;
    throw error;
  }
}

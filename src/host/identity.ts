import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { errnoOf, ignoreErrno } from './errno.ts';

/** Names one process for ever: a pid alone is reused, and a boot makes all earlier ones void. */
export interface Identity {
  readonly pid: number;
  readonly startTime: string;
  readonly bootId: string;
}

/** The identity of a running process; undefined where there is none, or only its remains. */
export function processIdentity(pid: number): Identity | undefined {
  const startTime = process.platform === 'linux' ? linuxStartTime(pid) : psStartTime(pid);
  return startTime === undefined ? undefined : { pid, startTime, bootId: bootId() };
}

/** Whether exactly that process still runs. */
export function isAlive(identity: Identity): boolean {
  // The cheap check first: a boot makes the start time meaningless.
  if (identity.bootId !== bootId()) return false;
  return processIdentity(identity.pid)?.startTime === identity.startTime;
}

/** Whether any process has the number, which says nothing of which process it is. */
export function isRunning(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    ignoreErrno(error, 'ESRCH', 'EPERM');
    return errnoOf(error) === 'EPERM';
  }
}

let knownBootId: string | undefined;

/** Changes with every boot of the host. */
export function bootId(): string {
  knownBootId ??=
    process.platform === 'linux'
      ? readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
      : execFileSync('/usr/sbin/sysctl', ['-n', 'kern.bootsessionuuid'], { encoding: 'utf8' }).trim();
  return knownBootId;
}

function linuxStartTime(pid: number): string | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // ESRCH: the process ended between open and read.
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
  return startTimeOfStat(text);
}

/**
 * Field 22 of `/proc/PID/stat`; undefined for a zombie. The second field is a name that may hold anything. While other
 * threads than the first still end (field 20 counts them), they may still write and hold locks: not yet a zombie.
 */
export function startTimeOfStat(text: string): string | undefined {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state] = fields;
  if (state === 'Z' && Number(fields[17]) > 1) return fields[19];
  if (state === 'Z' || state === 'X' || state === 'x') return undefined;
  return fields[19];
}

function psStartTime(pid: number): string | undefined {
  try {
    const output = execFileSync('/bin/ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      // The text depends on both.
      env: { LC_ALL: 'C', TZ: 'UTC' },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return startTimeOfPs(output);
  } catch (error) {
    // ps exits with 1 when there is no such process.
    if ((error as { readonly status?: number }).status === 1) return undefined;
    throw error;
  }
}

/** Start time from `ps -o stat=,lstart=`; undefined for a zombie. */
export function startTimeOfPs(output: string): string | undefined {
  const [, state, startTime] = /^\s*(\S+)\s+(.+?)\s*$/.exec(output) ?? [];
  return state === undefined || state.startsWith('Z') ? undefined : startTime;
}

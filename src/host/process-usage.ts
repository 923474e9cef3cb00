import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { errnoOf } from './errno.ts';

/** What a process has used of the host. */
export interface ProcessUsage {
  /** Time on processors since its start, all threads together. */
  readonly cpuMs: number;
  readonly residentBytes: number;
}

/** Linux counts in hundredths of a second for programs, whatever its own clock. */
const TICK_MS = 10;

/** Usage of a running process; undefined where it has ended. */
export async function processUsage(pid: number): Promise<ProcessUsage | undefined> {
  try {
    return process.platform === 'linux' ? await linuxUsage(pid) : await psUsage(pid);
  } catch (error) {
    // ps ends with 1 where there is no such process.
    const gone = ['ENOENT', 'ESRCH'].includes(errnoOf(error) ?? '');
    if (!gone && (error as { code?: unknown }).code !== 1) throw error;
    return undefined;
  }
}

async function linuxUsage(pid: number): Promise<ProcessUsage | undefined> {
  const [stat, status] = await Promise.all([
    readFile(`/proc/${pid}/stat`, 'latin1'),
    readFile(`/proc/${pid}/status`, 'latin1'),
  ]);
  return usageOfProc(stat, status);
}

/** From `/proc/PID/stat` and `/proc/PID/status`; undefined for a zombie, which has no memory. */
export function usageOfProc(stat: string, status: string): ProcessUsage | undefined {
  const resident = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  if (resident === undefined) return undefined;
  // The second field is a name that may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  return { cpuMs: ticks * TICK_MS, residentBytes: Number(resident) * 1024 };
}

async function psUsage(pid: number): Promise<ProcessUsage | undefined> {
  const env = { ...process.env, LC_ALL: 'C' };
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=,time=', '-p', String(pid)], { env });
  return usageOfPs(stdout);
}

/** From `ps -o rss=,time=`: KiB, and time as `[[D-]H:]M:S.ss`. */
export function usageOfPs(text: string): ProcessUsage | undefined {
  const [, resident, days = '0', clock] = /^\s*(\d+)\s+(?:(\d+)-)?([\d:.]+)\s*$/.exec(text) ?? [];
  if (resident === undefined || clock === undefined) return undefined;
  const seconds = clock.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
  return {
    cpuMs: Math.round((Number(days) * 86_400 + seconds) * 1000),
    residentBytes: Number(resident) * 1024,
  };
}

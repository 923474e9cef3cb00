import { renderTable } from './table.ts';

/** A process of a guest. */
export interface GuestProcess {
  readonly user: string;
  readonly pid: number;
  readonly ppid: number;
  readonly state: string;
  readonly time: string;
  readonly command: string;
}

/** Kernel thread that starts all others. */
const KTHREADD = 2;

/**
 * Prints its own process id and then the processes: procps first, then a busybox of any size. `ps` is the only program
 * of the guest's that it needs.
 */
export const PROCESS_SCRIPT = `
command -v ps >/dev/null || { echo 'there is no ps in the guest' >&2; exit 127; }
echo $$
fields=user,pid,ppid,stat,time,args
ps -ww -e -o $fields 2>/dev/null || ps -o $fields 2>/dev/null || ps -o user,pid,ppid,stat,args 2>/dev/null || ps
`;

/** Reads what {@link PROCESS_SCRIPT} printed, without the processes that printed it. */
export function parseProcesses(text: string): readonly GuestProcess[] {
  const [own = '', header = '', ...lines] = text.split('\n');
  const titles = header.trim().split(/\s+/);
  const rows = lines.filter((line) => line.trim() !== '').map((line) => parseRow(line, titles));
  const self = Number(own);
  return rows.filter(({ pid, ppid }) => pid !== self && ppid !== self);
}

/** Whether a process is a thread of the guest's kernel. */
export function isKernelThread({ pid, ppid }: GuestProcess): boolean {
  return ppid === KTHREADD || (pid === KTHREADD && ppid === 0);
}

/** The processes of one machine. */
export function topTable(processes: readonly GuestProcess[], width: number | undefined): string {
  return renderTable(
    [
      { title: 'USER' },
      { title: 'PID' },
      { title: 'PPID' },
      { title: 'STAT' },
      { title: 'TIME' },
      { title: 'COMMAND', shrinks: true },
    ],
    processes.map(({ user, pid, ppid, state, time, command }) => [
      user,
      `${pid}`,
      `${ppid}`,
      state,
      time,
      command,
    ]),
    width,
  );
}

/** One JSON object; one process a line. */
export function topJson(machine: string, process: GuestProcess): string {
  return JSON.stringify({ machine, ...process });
}

function parseRow(line: string, titles: readonly string[]): GuestProcess {
  const words = line.trim().split(/\s+/);
  const field = (...names: readonly string[]): string => {
    const index = titles.findIndex((title) => names.includes(title));
    return index === -1 ? '' : (words[index] ?? '');
  };
  return {
    user: field('USER'),
    pid: Number(field('PID')),
    ppid: Number(field('PPID')),
    state: field('STAT', 'S'),
    time: field('TIME'),
    // The last column is the only one with blanks.
    command: words.slice(titles.length - 1).join(' '),
  };
}

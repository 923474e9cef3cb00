import { execFile } from 'node:child_process';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { promisify } from 'node:util';

export interface FoundProcess {
  readonly pid: number;
  readonly command: string;
}

/** All processes but this one whose arguments, environment or working directory hold the marker. */
export async function findProcesses(marker: string): Promise<readonly FoundProcess[]> {
  return process.platform === 'linux' ? findInProc(marker) : findWithPs(marker);
}

/** Sends a signal to a process that may have ended by now. */
export function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function findInProc(marker: string): Promise<readonly FoundProcess[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && name !== String(process.pid));
  const found = await Promise.all(
    pids.map(async (pid): Promise<FoundProcess | undefined> => {
      const [command, environment, directory, state] = await Promise.all([
        readable(readFile(`/proc/${pid}/cmdline`, 'latin1')),
        readable(readFile(`/proc/${pid}/environ`, 'latin1')),
        readable(readlink(`/proc/${pid}/cwd`)),
        readable(readFile(`/proc/${pid}/stat`, 'latin1')),
      ]);
      // A zombie is its parent's to collect, and holds nothing.
      if (/\) [ZX] /.test(state)) return undefined;
      if (![command, environment, directory].some((text) => text.includes(marker))) return undefined;
      return { pid: Number(pid), command: command.replaceAll('\0', ' ').trim() };
    }),
  );
  return found.filter((entry) => entry !== undefined);
}

/** Processes end while they are looked at (ENOENT, ESRCH), and other users' are closed (EACCES, EPERM). */
async function readable(text: Promise<string>): Promise<string> {
  try {
    return await text;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(code)) return '';
    throw error;
  }
}

async function findWithPs(marker: string): Promise<readonly FoundProcess[]> {
  // -E shows the environment of the user's own processes on macOS.
  const { stdout } = await promisify(execFile)('ps', ['-Eww', '-ax', '-o', 'pid=,command='], {
    maxBuffer: 64 * 1024 * 1024,
  });
  return stdout
    .split('\n')
    .filter((line) => line.includes(marker))
    .map((line) => /^\s*(\d+)\s+(.*)$/.exec(line))
    .filter((match) => match !== null)
    .map(([, pid, command]) => ({ pid: Number(pid), command: command ?? '' }))
    .filter(({ pid }) => pid !== process.pid);
}

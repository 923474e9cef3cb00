import { readdir, readFile } from 'node:fs/promises';
import { errnoOf } from './errno.ts';
import { runProgram } from './run-program.ts';

/** Numbers of the processes in whose command line one of these texts is, as far as this user may see them. */
export async function processesWith(texts: readonly string[]): Promise<readonly number[]> {
  const commands = process.platform === 'linux' ? await fromProc() : await fromPs();
  return [...commands].flatMap(([pid, command]) =>
    pid !== process.pid && texts.some((text) => command.includes(text)) ? [pid] : [],
  );
}

async function fromProc(): Promise<ReadonlyMap<number, string>> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const commands = await Promise.all(pids.map((pid) => commandOf(`/proc/${pid}/cmdline`)));
  return new Map(pids.map((pid, index) => [Number(pid), commands[index] ?? '']));
}

async function commandOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    // It has ended meanwhile, or is hidden.
    if (errnoOf(error) === undefined) throw error;
    return '';
  }
}

async function fromPs(): Promise<ReadonlyMap<number, string>> {
  const listed = await runProgram('/bin/ps', ['-axww', '-o', 'pid=,command=']);
  const lines = listed.kind === 'ended' ? listed.stdout.split('\n') : [];
  return new Map(lines.map((line) => [Number.parseInt(line, 10), line]));
}

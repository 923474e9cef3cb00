import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Of each file only the end is told. */
const MOST_CHARACTERS = 3000;

/** Files of a project's state that say why something went wrong: what guest, libkrun and helpers said themselves. */
const TELLING =
  /(^supervisor\.log|^events\.jsonl|\.(console|status|helper|stderr)|networks\/[^/]+\/log\.jsonl)$/;

/** What a project knows of itself, as text for whoever reads of a failed test; taken before its directory goes. */
export async function evidence(projectDirectory: string): Promise<string> {
  const state = path.join(projectDirectory, '.krun');
  const parts: string[] = [];
  for (const name of (await namesBelow(state)).filter((name) => TELLING.test(name)).toSorted()) {
    const text = await readFile(path.join(state, name), 'utf8');
    parts.push(`--- ${name} (${text.length} characters)\n${text.slice(-MOST_CHARACTERS)}`);
  }
  if (process.env['KRUN_LAB']) parts.push(`--- kernel of the emulated host\n${await kernelLog()}`);
  return parts.join('\n');
}

async function namesBelow(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory, { recursive: true });
  } catch (error) {
    // Nothing was started.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

async function kernelLog(): Promise<string> {
  try {
    return (await run('dmesg', [])).stdout.split('\n').slice(-15).join('\n');
  } catch (error) {
    // Not for every user.
    return (error as Error).message;
  }
}

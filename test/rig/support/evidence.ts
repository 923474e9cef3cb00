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
    const text = await unlessGone(readFile(path.join(state, name), 'utf8'));
    if (text !== undefined)
      parts.push(`--- ${name} (${text.length} characters)\n${text.slice(-MOST_CHARACTERS)}`);
  }
  if (process.env['KRUN_LAB']) parts.push(`--- kernel of the emulated host\n${await kernelLog()}`);
  return parts.join('\n');
}

/** Names relative to the directory; none where nothing was started. */
async function namesBelow(directory: string, below = ''): Promise<readonly string[]> {
  const entries = await unlessGone(readdir(path.join(directory, below), { withFileTypes: true }));
  const lists = (entries ?? []).map(async (entry): Promise<readonly string[]> => {
    const name = path.join(below, entry.name);
    if (entry.isDirectory()) return namesBelow(directory, name);
    return entry.isFile() ? [name] : [];
  });
  return (await Promise.all(lists)).flat();
}

/** The supervisor lives, and removes what an ended run has left. */
async function unlessGone<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
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

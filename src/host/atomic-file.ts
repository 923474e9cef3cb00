import { open, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { ignoreErrno, unlessMissing } from './errno.ts';

export interface WriteOptions {
  /** False for what no reboot needs to survive; the write is atomic all the same. Default: true. */
  readonly durable?: boolean;
}

let written = 0;

/**
 * Replaces a file as a whole, mode 0600: a reader sees the old text or the new one, and so does whoever comes after a
 * crash.
 */
export async function writeFileAtomic(file: string, text: string, options: WriteOptions = {}): Promise<void> {
  const durable = options.durable ?? true;
  const temporary = temporaryName(file);
  try {
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(text);
      if (durable) await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  if (durable) await syncDirectory(path.dirname(file));
}

export function writeJson(file: string, value: unknown, options: WriteOptions = {}): Promise<void> {
  return writeFileAtomic(file, `${JSON.stringify(value, undefined, 2)}\n`, options);
}

/** Text of a file; undefined when there is none. */
export function readTextIfPresent(file: string): Promise<string | undefined> {
  return unlessMissing(readFile(file, 'utf8'));
}

/** Value of a JSON file; undefined when there is none, null when its text is not JSON. */
export async function readJsonIfPresent(file: string): Promise<unknown> {
  const text = await readTextIfPresent(file);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Makes created, renamed and removed names of a directory survive a power cut. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } catch (error) {
    // Some file systems cannot sync a directory.
    ignoreErrno(error, 'EINVAL', 'ENOTSUP', 'EPERM');
  } finally {
    await handle.close();
  }
}

/** A name beside the file that no other writer uses; `.tmp` so that leftovers can be told. */
export function temporaryName(file: string): string {
  written += 1;
  return path.join(path.dirname(file), `.${path.basename(file)}.${process.pid}.${written}.tmp`);
}

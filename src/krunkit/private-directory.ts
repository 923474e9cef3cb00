import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { Diagnostic } from '../base/diagnostic.ts';
import { err, ok, type Result } from '../base/result.ts';
import { isRunning } from '../host/identity.ts';
import { preparePrivateDirectory } from '../store/directories.ts';
import { runtimeBase, type LayoutEnvironment } from '../store/layout.ts';

/**
 * Makes a directory (0700) of this process's own, for sockets and what libkrun leaves in the temporary
 * directory. libkrun ends the process without a word, so what earlier ones left is removed here.
 */
export async function makePrivateDirectory(
  environment: LayoutEnvironment,
  uid: number,
): Promise<Result<string, Diagnostic>> {
  const base = runtimeBase(environment, uid);
  const parent = path.join(base, 'krunkit');
  for (const directory of [base, parent]) {
    const problem = await preparePrivateDirectory(directory, uid);
    if (problem) return err(problem);
  }
  for (const name of readdirSync(parent)) {
    if (!isRunning(Number(name))) rmSync(path.join(parent, name), { recursive: true, force: true });
  }
  const directory = path.join(parent, String(process.pid));
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { mode: 0o700 });
  return ok(directory);
}

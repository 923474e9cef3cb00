import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Compiles a program that lies beside this file, for guests that have no libraries. */
export async function compileStatic(name: string, target: string): Promise<void> {
  const source = path.join(import.meta.dirname, `${name}.c`);
  const options = ['-static', '-O1', '-Wall', '-Wextra', '-Werror'];
  await run(process.env['CC'] || 'cc', [...options, '-o', target, source]);
}

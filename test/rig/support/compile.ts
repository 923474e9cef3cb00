import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const cache = path.resolve(import.meta.dirname, '../../../node_modules/.cache/krun-test');

/** Compiles a stand-in that lies beside this file, once for each version of its source; its path. */
export async function compileStandIn(name: 'vmnet-helper' | 'socket-vmnet'): Promise<string> {
  const compiler = process.env['CC'] || 'cc';
  const source = path.join(import.meta.dirname, `${name}.c`);
  const texts = [source, path.join(import.meta.dirname, 'vmnet-gateway.h')].map((file) => readFile(file));
  const hash = createHash('sha256').update(compiler);
  for (const text of await Promise.all(texts)) hash.update(text);
  const directory = path.join(cache, `${name}-${hash.digest('hex').slice(0, 16)}`);
  const program = path.join(directory, name);
  if (existsSync(program)) return program;
  await mkdir(directory, { recursive: true });
  const unfinished = `${program}.${process.pid}`;
  await run(compiler, ['-std=gnu11', '-O1', '-g', '-Wall', '-Wextra', '-Werror', '-o', unfinished, source]);
  // Two runs may compile at once; each puts a whole program in place.
  await rename(unfinished, program);
  return program;
}

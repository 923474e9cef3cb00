import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { prepareHelpers } from './helpers.ts';

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, '..', '..', '..');
const cache = path.join(root, 'node_modules', '.cache', 'krun-test');

/**
 * Before the first rig test: builds the program, compiles the stand-in libkrun and fetches gvproxy. Tests find them
 * through `KRUN_TEST_PROGRAM` (the command), `KRUN_TEST_FAKE_LIBKRUN` (the library) and `gvproxyPath` of helpers.ts.
 *
 * The build is a copy of its own, so neither `npm run build` nor a second test run can pull it from under a running
 * test. It lies below node_modules because koffi must be found from it.
 */
export async function setup(): Promise<() => Promise<void>> {
  const build = path.join(cache, `build-${process.pid}`);
  await mkdir(build, { recursive: true });
  const [fake] = await Promise.all([compileFake(), buildProgram(build), prepareHelpers()]);
  process.env['KRUN_TEST_FAKE_LIBKRUN'] = fake;
  process.env['KRUN_TEST_PROGRAM'] = path.join(build, 'bin', 'krun');
  return async () => {
    // Benchmarks that follow in the same process shall not look for it.
    delete process.env['KRUN_TEST_PROGRAM'];
    await rm(build, { recursive: true, force: true });
  };
}

async function buildProgram(directory: string): Promise<void> {
  await Promise.all([
    run(process.execPath, [path.join(root, 'scripts', 'build.mjs'), path.join(directory, 'dist')]),
    ...['bin', 'schema', 'package.json'].map((name) =>
      cp(path.join(root, name), path.join(directory, name), { recursive: true }),
    ),
  ]);
}

/** Compiles once for each version of the source; the name holds its hash. */
async function compileFake(): Promise<string> {
  const source = path.join(import.meta.dirname, 'fake-libkrun.c');
  const compiler = process.env['CC'] || 'cc';
  const hash = createHash('sha256')
    .update(`${compiler}\0`)
    .update(await readFile(source))
    .digest('hex');
  const directory = path.join(cache, `fake-${hash.slice(0, 16)}`);
  const library = path.join(directory, process.platform === 'darwin' ? 'libkrun.1.dylib' : 'libkrun.so.1');
  if (await exists(library)) return library;
  await mkdir(directory, { recursive: true });
  const unfinished = `${library}.${process.pid}`;
  const flags = ['-std=gnu11', '-O1', '-g', '-Wall', '-Wextra', '-Werror', '-fPIC', '-shared', '-pthread'];
  await run(compiler, [...flags, '-o', unfinished, source]);
  // Two runs may compile at once; each puts a whole library in place.
  await rename(unfinished, library);
  return library;
}

async function exists(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

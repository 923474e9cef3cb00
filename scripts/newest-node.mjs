// The newest Node for tests: the program of the npm package `node`, without that package's install script.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Raised by hand, so that a test run means the same tomorrow. */
export const NEWEST_NODE = '26.10.0';

/** Directory that holds the program `node`; fetched on first use. */
export async function newestNode() {
  const name = `node-${process.platform}-${process.arch}`;
  const cache = path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache'), 'krun-test');
  const directory = path.join(cache, `${name}-${NEWEST_NODE}`);
  const bin = path.join(directory, 'bin');
  if (existsSync(path.join(bin, 'node'))) return bin;
  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(path.join(cache, 'fetch-'));
  try {
    await run('npm', ['pack', '--silent', `${name}@${NEWEST_NODE}`], { cwd: work });
    const [tarball] = await readdir(work);
    await run('tar', ['-xzf', tarball, 'package/bin/node'], { cwd: work });
    await run(path.join(work, 'package', 'bin', 'node'), ['--version']);
    await rename(path.join(work, 'package'), directory).catch((error) => {
      // Another run was faster.
      if (!['ENOTEMPTY', 'EEXIST'].includes(error.code)) throw error;
    });
  } finally {
    await rm(work, { recursive: true });
  }
  return bin;
}

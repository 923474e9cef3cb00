import { closeSync, createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { unlessMissing } from './errno.ts';
import { tryLock } from './flock.ts';
import { readMachO, type MachO } from './mach-o.ts';
import { runProgram } from './run-program.ts';
import type { SigningHost } from './signed-node.ts';

/** Load commands are at the start of a file, or of its part for a processor. */
const LOAD_COMMANDS_BYTES = 256 * 1024;
/** Copying and signing take seconds. */
const LOCK_POLL_MS = 50;
const COMMAND_TIMEOUT_MS = 120_000;

/** The real system. */
export const signingHost: SigningHost = {
  // In English.
  run: (program, args) =>
    runProgram(program, args, { env: { ...process.env, LC_ALL: 'C' }, timeoutMs: COMMAND_TIMEOUT_MS }),
  stat: async (file) => {
    const found = await unlessMissing(stat(file));
    return found && { size: found.size, mtimeMs: found.mtimeMs };
  },
  readText: (file) => unlessMissing(readFile(file, 'utf8')),
  writeText: (file, text) => writeFile(file, text, { mode: 0o600 }),
  copy: (from, to) => pipeline(createReadStream(from), createWriteStream(to, { flags: 'wx', mode: 0o700 })),
  makeDirectory: async (directory) => {
    await mkdir(directory, { recursive: true, mode: 0o700 });
  },
  rename,
  remove: (target) => rm(target, { recursive: true, force: true }),
  locked: withLock,
  realPath: (file) => unlessMissing(realpath(file)),
  readMachO: readStartOfMachO,
};

async function withLock<T>(lockFile: string, work: () => Promise<T>): Promise<T> {
  let lock = tryLock(lockFile, 'exclusive', true);
  while (!lock.held) {
    await wait(LOCK_POLL_MS);
    lock = tryLock(lockFile, 'exclusive', true);
  }
  try {
    return await work();
  } finally {
    closeSync(lock.fd);
  }
}

async function readStartOfMachO(file: string): Promise<MachO | undefined> {
  const handle = await open(file, 'r');
  try {
    const { bytesRead, buffer } = await handle.read(
      Buffer.alloc(LOAD_COMMANDS_BYTES),
      0,
      LOAD_COMMANDS_BYTES,
      0,
    );
    const start = buffer.subarray(0, bytesRead);
    const found = readMachO(start, process.arch);
    if (found !== undefined || bytesRead < LOAD_COMMANDS_BYTES) return found;
    // A universal file has its parts far behind each other.
    return readMachO(await readFile(file), process.arch);
  } finally {
    await handle.close();
  }
}

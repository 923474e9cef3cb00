import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ok } from '../src/base/result.ts';
import { copyFromGuest } from '../src/copy/from-guest.ts';
import type { OpenSession } from '../src/copy/session.ts';
import { syncFiles } from '../src/copy/sync.ts';
import { copyToGuest } from '../src/copy/to-guest.ts';

const ROUNDS = 5;
const FILES = 2000;
const FILE_BYTES = 2048;
const LARGE_BYTES = 256 * 1024 * 1024;

/** One way of a tree from one directory to another. */
export interface CopyBenchmark {
  readonly name: string;
  /** Medians of several rounds. */
  readonly filesPerSecond: number;
  readonly mebibytesPerSecond: number;
  /** Time against two tars and a pipe, for the small files and for the large one. */
  readonly filesRatio: number;
  readonly bytesRatio: number;
}

interface Way {
  readonly name: string;
  readonly copy: (from: string, to: string) => Promise<void>;
}

/**
 * Copying of 2,000 small files and of one large file by krun's own code, with a guest that is the host itself: what a
 * session costs beyond a pipe is not in it. In turns, so that a busy moment hits all of them alike.
 */
export async function run(): Promise<readonly CopyBenchmark[]> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'krun-bench-'));
  try {
    const small = path.join(directory, 'small');
    const large = path.join(directory, 'large');
    await makeSmall(small);
    await mkdir(large);
    await writeFile(path.join(large, 'file'), Buffer.alloc(LARGE_BYTES, 'krun'));
    const smallTimes = await measure(small, directory);
    const largeTimes = await measure(large, directory);
    const rows = WAYS.map(({ name }, index) => {
      const [filesMs, bytesMs] = [median(smallTimes[index]), median(largeTimes[index])];
      return {
        name,
        filesPerSecond: Math.round((FILES / filesMs) * 1000),
        mebibytesPerSecond: Math.round((LARGE_BYTES / 1024 ** 2 / bytesMs) * 1000),
        filesRatio: round(filesMs / median(smallTimes[0])),
        bytesRatio: round(bytesMs / median(largeTimes[0])),
      };
    });
    for (const { name, filesPerSecond, mebibytesPerSecond, filesRatio, bytesRatio } of rows) {
      console.log(
        `${name}: ${filesPerSecond} files/s (${filesRatio} x the time of tar | tar), ` +
          `${mebibytesPerSecond} MiB/s (${bytesRatio} x)`,
      );
    }
    return rows;
  } finally {
    await rm(directory, { recursive: true });
  }
}

const WAYS: readonly Way[] = [
  { name: 'tar | tar', copy: pipe },
  { name: 'krun cp to a guest', copy: into },
  { name: 'krun cp from a guest', copy: outOf },
  { name: 'sync of new files', copy: sync },
];

async function makeSmall(directory: string): Promise<void> {
  for (let index = 0; index < FILES; index++) {
    const parent = path.join(directory, String(index % 40));
    if (index < 40) await mkdir(parent, { recursive: true });
    await writeFile(path.join(parent, `file-${index}`), Buffer.alloc(FILE_BYTES, index));
  }
}

async function measure(from: string, directory: string): Promise<readonly (readonly number[])[]> {
  const times = WAYS.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, { copy }] of WAYS.entries()) {
      const to = path.join(directory, 'to');
      await mkdir(to);
      const began = performance.now();
      await copy(from, to);
      times[index]?.push(performance.now() - began);
      await rm(to, { recursive: true });
    }
  }
  return times;
}

async function pipe(from: string, to: string): Promise<void> {
  const script = 'tar -c -f - -C "$1" . | tar -x -f - -C "$2"';
  const child = spawn('/bin/sh', ['-c', script, 'sh', from, to], { stdio: ['ignore', 'ignore', 'inherit'] });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`tar ended with ${code}`);
}

async function into(from: string, to: string): Promise<void> {
  const source = { path: `${from}/.`, workingDirectory: '/', followsLink: false };
  check(await copyToGuest(hostAsGuest, { source, destination: to, named: to, keepsOwners: false }));
}

async function outOf(from: string, to: string): Promise<void> {
  const destination = { path: to, workingDirectory: '/' };
  const source = `${from}/.`;
  check(
    await copyFromGuest(hostAsGuest, {
      source,
      named: source,
      destination,
      followsLink: false,
      keepsOwners: false,
    }),
  );
}

async function sync(from: string, to: string): Promise<void> {
  check(await syncFiles(hostAsGuest, { target: to, files: [{ from, to: '' }], deleted: [] }));
}

const hostAsGuest: OpenSession = async ({ command: [program = '', ...args] }) => {
  const child = spawn(program, args, { stdio: 'pipe' });
  const { stdin, stdout, stderr } = child;
  const end = once(child, 'close').then(([exitCode]) => ({ exitCode: exitCode as number | null }));
  return ok({ stdin, stdout, stderr, end, close: () => void child.kill('SIGKILL') });
};

function check(
  result: { readonly ok: true } | { readonly ok: false; readonly error: { readonly message: string } },
): void {
  if (!result.ok) throw new Error(result.error.message);
}

function median(values: readonly number[] = []): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

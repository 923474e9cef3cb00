import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { openSession } from '../src/session/client.ts';
import { machineLayout, projectLayout, type Layout } from '../src/store/layout.ts';
import { createRig, type Rig } from '../test/rig/support/rig.ts';
import { setup } from '../test/rig/support/setup.ts';

const ROUNDS = 25;
const KRUN = path.resolve(import.meta.dirname, '..', 'bin', 'krun');
const KRUN_YAML = 'machines:\n  web: { root: ./root, command: [/bin/sleep, "1000"] }\n';

/** One measured row of the table of benchmarks. */
export interface ExecBenchmark {
  readonly name: string;
  /** Fastest and middle of several rounds. */
  readonly ms: { readonly min: number; readonly median: number };
  /** Time against bare node's start, by the fastest. */
  readonly ratio: number;
}

/** Measures `krun exec` from start to end against bare node and against the session alone, over the stand-in libkrun. */
export async function run(): Promise<readonly ExecBenchmark[]> {
  const tearDown = await setup();
  try {
    await using rig = await createRig({ files: { 'krun.yaml': KRUN_YAML, 'root/bin/sh': '' } });
    await rig.ok(['up', '-d', '--wait']);
    const cases: readonly { readonly name: string; readonly measure: () => number | Promise<number> }[] = [
      { name: 'bare node', measure: () => processTime(rig, ['-e', '0']) },
      { name: 'krun --version', measure: () => processTime(rig, [KRUN, '--version']) },
      { name: 'krun exec web true', measure: () => processTime(rig, [KRUN, 'exec', 'web', 'true']) },
      { name: 'the session alone', measure: () => sessionTime(layoutOf(rig)) },
    ];
    const times = cases.map((): number[] => []);
    // In turns, so that a busy moment hits all of them alike.
    for (let round = 0; round < ROUNDS; round++) {
      for (const [index, { measure }] of cases.entries()) times[index]?.push(await measure());
    }
    const bare = Math.min(...(times[0] ?? []));
    const rows = cases.map(({ name }, index) => {
      const sorted = (times[index] ?? []).toSorted((a, b) => a - b);
      const min = sorted[0] ?? Number.NaN;
      const median = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
      return { name, ms: { min: round(min), median: round(median) }, ratio: round(min / bare) };
    });
    for (const { name, ms, ratio } of rows)
      console.log(`${name}: ${ms.min} ms, median ${ms.median} ms, ${ratio} x bare node`);
    return rows;
  } finally {
    await tearDown();
  }
}

function processTime(rig: Rig, args: readonly string[]): number {
  const begin = performance.now();
  const { status, stderr } = spawnSync(process.execPath, [...args], {
    cwd: rig.directory,
    env: rig.env,
    input: '',
    encoding: 'utf8',
  });
  const ms = performance.now() - begin;
  if (status !== 0) throw new Error(`node ${args.join(' ')} ended with ${status}: ${stderr}`);
  return ms;
}

async function sessionTime(layout: Layout): Promise<number> {
  const begin = performance.now();
  const request = { command: ['true'], environment: {}, stdin: true };
  const opened = await openSession(machineLayout(layout, 'web').controlSocket, request);
  if (!opened.ok) throw new Error(opened.error.message);
  const { stdin, stdout, stderr, end } = opened.value;
  stdin.end();
  stdout.resume();
  stderr.resume();
  const { exitCode, error } = await end;
  if (exitCode !== 0) throw new Error(error ?? `true ended with ${exitCode}`);
  return performance.now() - begin;
}

function layoutOf(rig: Rig): Layout {
  return projectLayout(rig.directory, undefined, rig.env, process.getuid?.() ?? 0);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { machineLayout, projectLayout, rawFile, type Layout } from '../src/store/layout.ts';
import { setup } from '../test/rig/support/setup.ts';
import { createRig, type Rig } from '../test/rig/support/rig.ts';
import { until } from '../test/rig/support/until.ts';

const ROUNDS = 9;
const KRUN_YAML = 'machines:\n  one: { root: ./root, command: [/bin/sleep, "1000"] }\n';
const koffi = path.resolve(import.meta.dirname, '..', 'node_modules', 'koffi');

/** The least that a machine needs from Node up to the call that starts it: what `krun up` is measured against. */
const BARE_SCRIPT = `
  const koffi = require(${JSON.stringify(koffi)});
  const { writeFileSync } = require('node:fs');
  const library = koffi.load(process.env.KRUN_LIBKRUN);
  const ctx = library.func('int32_t krun_create_ctx()')();
  library.func('int32_t krun_set_vm_config(uint32_t, uint8_t, uint32_t)')(ctx, 1, 512);
  library.func('int32_t krun_set_root(uint32_t, const char *)')(ctx, process.argv[1]);
  library.func('int32_t krun_set_exec(uint32_t, const char *, const char **, const char **)')(
    ctx, '/bin/true', [null], [null]);
  library.func('int32_t krun_start_enter(uint32_t)');
  writeFileSync(process.argv[2], String(Date.now()));
  if (process.argv[3] === 'stay') setInterval(() => {}, 1000);
`;

export interface UpBenchmark {
  readonly startMs: { readonly bare: Spread; readonly first: Spread; readonly again: Spread };
  readonly memory: {
    readonly bareNode: Memory;
    readonly bareKoffi: Memory;
    readonly supervisor: Memory;
    readonly machine: Memory;
  };
}

export interface Memory {
  readonly residentMiB: number;
  /** What the process does not share with others: the price of one more. */
  readonly privateMiB: number;
}

export interface Spread {
  readonly min: number;
  readonly median: number;
}

/** Measures `krun up` to krun_start_enter, and the memory of its processes, over the stand-in libkrun. */
export async function run(): Promise<UpBenchmark> {
  const tearDown = await setup();
  try {
    await using rig = await createRig({ files: { 'krun.yaml': KRUN_YAML, 'root/bin/sh': '' } });
    const bare: number[] = [];
    const first: number[] = [];
    const again: number[] = [];
    // In turns, so that a busy moment hits all of them alike.
    for (let round = 0; round < ROUNDS; round++) {
      bare.push(await bareStart(rig));
      first.push(await upStart(rig));
      await rig.ok(['stop', '--timeout', '0']);
      again.push(await upStart(rig));
      await rig.ok(['down', '--timeout', '0']);
    }
    const used = await memory(rig);
    return { startMs: { bare: spread(bare), first: spread(first), again: spread(again) }, memory: used };
  } finally {
    await tearDown();
  }
}

async function bareStart(rig: Rig): Promise<number> {
  const mark = path.join(rig.base, 'bare-start');
  const began = Date.now();
  await promisify(execFile)(process.execPath, ['-e', BARE_SCRIPT, path.join(rig.directory, 'root'), mark], {
    env: rig.env,
  });
  return Number(await readFile(mark, 'utf8')) - began;
}

async function upStart(rig: Rig): Promise<number> {
  const began = Date.now();
  await rig.ok(['up', '-d']);
  const record = JSON.parse(await rig.ok(['ps', '--format', 'json'])) as { readonly run: number };
  const status = await readFile(rawFile(machineLayout(layoutOf(rig), 'one'), record.run, 'status'), 'utf8');
  const mark = /^krun-start (\d+)$/m.exec(status)?.[1];
  if (mark === undefined) throw new Error(`no start mark in ${JSON.stringify(status)}`);
  return Number(mark) - began;
}

function layoutOf(rig: Rig): Layout {
  return projectLayout(rig.directory, undefined, rig.env, process.getuid?.() ?? 0);
}

async function memory(rig: Rig): Promise<UpBenchmark['memory']> {
  await rig.ok(['up', '-d']);
  const running = await rig.leftovers();
  const memoryOf = async (program: string): Promise<Memory> => {
    // The stand-in's guest is a fork of the machine process; the older one of the two is krun's.
    const pids = running.filter(({ command }) => command.includes(program)).map(({ pid }) => pid);
    return readMemory(Math.min(...pids));
  };
  return {
    bareNode: await sleepingNode(
      rig,
      'require("node:fs").writeFileSync(process.argv[2], "1"); setInterval(() => {}, 1000)',
    ),
    bareKoffi: await sleepingNode(rig, BARE_SCRIPT),
    supervisor: await memoryOf('supervisor.js'),
    machine: await memoryOf('machine.js'),
  };
}

async function sleepingNode(rig: Rig, script: string): Promise<Memory> {
  const mark = path.join(rig.base, `mark-${performance.now()}`);
  const args = ['-e', script, path.join(rig.directory, 'root'), mark, 'stay'];
  const child = execFile(process.execPath, args, { env: rig.env });
  try {
    await until(async () => (await readFile(mark, 'utf8').catch(missing)) !== '', { timeoutMs: 10_000 });
    return await readMemory(child.pid ?? 0);
  } finally {
    child.kill('SIGKILL');
  }
}

function missing(error: NodeJS.ErrnoException): string {
  if (error.code !== 'ENOENT') throw error;
  return '';
}

async function readMemory(pid: number): Promise<Memory> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kib = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]);
  const toMiB = (value: number): number => Math.round(value / 102.4) / 10;
  return { residentMiB: toMiB(kib('Rss')), privateMiB: toMiB(kib('Private_Clean') + kib('Private_Dirty')) };
}

function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  return { min: sorted[0] ?? Number.NaN, median: sorted[Math.floor(sorted.length / 2)] ?? Number.NaN };
}

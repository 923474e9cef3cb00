import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { STATE_SCHEMA_VERSION, type MachineRecord } from '../src/store/records.ts';
import { machineLayout, projectLayout } from '../src/store/layout.ts';
import { writeMachineRecord } from '../src/store/record-files.ts';
import { machineDefinition } from '../test/support/definitions.ts';

const ROUNDS = 15;
const KRUN = path.resolve(import.meta.dirname, '..', 'bin', 'krun');

/** One measured row of the table of benchmarks. */
export interface StartupBenchmark {
  readonly name: string;
  /** Fastest of several rounds: what others do on the machine only adds. */
  readonly ms: number;
  /** Time against bare node's start. */
  readonly ratio: number;
}

/** Measures the commands that people wait for most against `node -e 0`; needs `npm run build` before. */
export async function run(): Promise<readonly StartupBenchmark[]> {
  const base = mkdtempSync(path.join(os.tmpdir(), 'krun-bench-'));
  try {
    const environment = await makeProject(base);
    const programs: readonly { readonly name: string; readonly args: readonly string[] }[] = [
      { name: 'bare node', args: ['-e', '0'] },
      { name: 'krun --version', args: [KRUN, '--version'] },
      { name: 'krun --help', args: [KRUN, '--help'] },
      { name: 'krun ps', args: [KRUN, 'ps', '-a'] },
    ];
    const fastest = programs.map(() => Infinity);
    // In turns, so that a busy moment hits all of them alike.
    for (let round = 0; round < ROUNDS; round++) {
      for (const [index, { args }] of programs.entries()) {
        const ms = startTime(args, path.join(base, 'project'), environment);
        fastest[index] = Math.min(fastest[index] ?? Infinity, ms);
      }
    }
    const bare = fastest[0] ?? Number.NaN;
    const rows = programs.map(({ name }, index) => {
      const ms = fastest[index] ?? Number.NaN;
      return { name, ms: round(ms), ratio: round(ms / bare) };
    });
    for (const row of rows) console.log(`${row.name}: ${row.ms} ms, ${row.ratio} x bare node`);
    return rows;
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
}

function startTime(args: readonly string[], cwd: string, env: NodeJS.ProcessEnv): number {
  const begin = performance.now();
  const { status, stderr } = spawnSync(process.execPath, [...args], { cwd, env, encoding: 'utf8' });
  const ms = performance.now() - begin;
  if (status !== 0) throw new Error(`node ${args.join(' ')} ended with ${status}: ${stderr}`);
  return ms;
}

/** A project with ten stopped machines: `ps` reads their records and starts nothing. */
async function makeProject(base: string): Promise<NodeJS.ProcessEnv> {
  const directory = path.join(base, 'project');
  mkdirSync(directory);
  writeFileSync(path.join(directory, 'krun.yaml'), 'machines: {}\n');
  const env = { PATH: process.env['PATH'], HOME: base, XDG_RUNTIME_DIR: base, XDG_DATA_HOME: base };
  const layout = projectLayout(directory, undefined, env, process.getuid?.() ?? 0);
  for (let index = 0; index < 10; index++) {
    const record = exampleRecord(`machine-${index}`);
    mkdirSync(machineLayout(layout, record.machine).directory, { recursive: true });
    await writeMachineRecord(layout, record);
  }
  return env;
}

function exampleRecord(machine: string): MachineRecord {
  return {
    schemaVersion: STATE_SCHEMA_VERSION,
    machine,
    createdAt: '2026-01-01T00:00:00.000Z',
    hash: '1-0',
    definition: machineDefinition(machine),
    state: { status: 'exited', run: 1, since: '2026-01-01T00:00:01.000Z', exit: { code: 0 } },
    run: 1,
    restarts: 0,
    stoppedByUser: false,
  };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

import { copyFile, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import os from 'node:os';
import path from 'node:path';
import type { Event } from '../../../src/plan/event.ts';
import type { MachineState } from '../../../src/plan/machine-state.ts';
import type { Request, UpRequest } from '../../../src/plan/request.ts';
import type { Machine, Project } from '../../../src/project/project.ts';
import { machineLayout, projectLayout, runLayout, type Layout } from '../../../src/store/layout.ts';
import { readLogs } from '../../../src/store/log-read.ts';
import { readMachineRecord } from '../../../src/store/record-files.ts';
import type { MachineRecord } from '../../../src/store/records.ts';
import { connectSupervisor, type SupervisorClient } from '../../../src/supervisor/client.ts';
import { ensureSupervisor } from '../../../src/supervisor/ensure.ts';
import type { ProcessIdentity } from '../../../src/machine/spec.ts';
import { findProcesses, kill, type FoundProcess } from './processes.ts';
import { until } from './until.ts';
import { machineDefinition, projectOf } from '../../support/definitions.ts';

export { kill } from './processes.ts';

/** What a finished request said. */
export interface Outcome {
  readonly ok: boolean;
  readonly events: readonly Event[];
  /** Messages of failed actions and of a refused plan. */
  readonly failures: readonly string[];
}

/** A project that is driven through the supervisor's client, without a command line or a krun.yaml. */
export class SupervisedProject implements AsyncDisposable {
  readonly base: string;
  readonly layout: Layout;
  readonly environment: NodeJS.ProcessEnv;
  readonly #script: string;
  readonly #version: string;

  private constructor(base: string, program: string, version: string, environment: NodeJS.ProcessEnv) {
    this.base = base;
    this.environment = environment;
    this.#script = path.resolve(path.dirname(program), '..', 'dist', 'supervisor.js');
    this.#version = version;
    this.layout = projectLayout(path.join(base, 'p'), undefined, environment, process.getuid?.() ?? 0);
  }

  static async create(environment: Readonly<Record<string, string>> = {}): Promise<SupervisedProject> {
    const program = required('KRUN_TEST_PROGRAM');
    const packageFile = path.resolve(path.dirname(program), '..', 'package.json');
    const { version } = JSON.parse(await readFile(packageFile, 'utf8')) as { version: string };
    const parent = os.tmpdir().length <= 40 ? os.tmpdir() : '/tmp';
    const base = await realpath(await mkdtemp(path.join(parent, 'ks-')));
    await Promise.all(['p', 'r', 'd', 'h'].map((name) => mkdir(path.join(base, name), { mode: 0o700 })));
    return new SupervisedProject(base, program, version, {
      PATH: process.env['PATH'] ?? '/usr/bin:/bin',
      HOME: path.join(base, 'h'),
      XDG_RUNTIME_DIR: path.join(base, 'r'),
      XDG_DATA_HOME: path.join(base, 'd'),
      KRUN_LIBKRUN: required('KRUN_TEST_FAKE_LIBKRUN'),
      ...environment,
    });
  }

  /** A machine whose guest runs a shell command; `faults` are lines for the stand-in library. */
  async machine(
    name: string,
    command: string,
    more: Partial<Machine> & { readonly faults?: readonly string[] } = {},
  ): Promise<Machine> {
    const { faults = [], ...definition } = more;
    const root = path.join(this.base, 'p', `root-${name}`);
    await mkdir(path.join(root, 'bin'), { recursive: true });
    await copyFile('/bin/sh', path.join(root, 'bin', 'sh'));
    await writeFile(path.join(root, '.fake'), faults.map((line) => `${line}\n`).join(''));
    return machineDefinition(name, {
      memoryMiB: 256,
      root: { kind: 'directory', path: root },
      command: ['/bin/sh', '-c', command],
      stopGracePeriodMs: 5000,
      bootTimeoutMs: 20_000,
      ...definition,
    });
  }

  project(machines: readonly Machine[]): Project {
    return projectOf(machines, {
      name: 'rig',
      directory: this.layout.projectDirectory,
      files: [path.join(this.layout.projectDirectory, 'krun.yaml')],
    });
  }

  /** The supervisor; `version` asks for one of another krun. */
  async supervisor(version: string = this.#version): Promise<SupervisorClient> {
    const client = await ensureSupervisor(this.layout, {
      script: this.#script,
      version,
      environment: this.environment,
    });
    if (!client.ok) throw new Error(`${client.error.message} (${client.error.hint ?? 'no hint'})`);
    return client.value;
  }

  async perform(request: Request): Promise<Outcome> {
    return collect((await this.supervisor()).request(request));
  }

  /** Like `perform`, but fails with the events unless all was done. */
  async done(request: Request): Promise<readonly Event[]> {
    const outcome = await this.perform(request);
    if (!outcome.ok)
      throw new Error(`${request.type} failed: ${JSON.stringify(outcome.events, undefined, 1)}`);
    return outcome.events;
  }

  up(machines: readonly Machine[], more: Partial<UpRequest> = {}): UpRequest {
    return {
      type: 'up',
      project: this.project(machines),
      machines: [],
      noDeps: false,
      recreate: 'changed',
      removeOrphans: false,
      noStart: false,
      wait: false,
      ...more,
    };
  }

  down(more: Partial<Extract<Request, { type: 'down' }>> = {}): Request {
    return { type: 'down', removeDisks: true, protectedDisks: [], timeoutMs: 5000, ...more };
  }

  async record(machine: string): Promise<MachineRecord | undefined> {
    const record = await readMachineRecord(this.layout, machine);
    if (!record.ok) throw new Error(record.error.message);
    return record.value;
  }

  async untilState(machine: string, wanted: (state: MachineState) => boolean): Promise<MachineRecord> {
    let record: MachineRecord | undefined;
    const met = await until(
      async () => {
        record = await this.record(machine);
        return record !== undefined && wanted(record.state);
      },
      { timeoutMs: 30_000 },
    );
    if (met && record) return record;
    throw new Error(`machine ${machine} did not get there: ${JSON.stringify(record?.state)}`);
  }

  /** Lines of a machine's log, of one stream. */
  async output(machine: string, stream: 'stdout' | 'stderr' | 'console' = 'stdout'): Promise<string[]> {
    const lines: string[] = [];
    let rest = '';
    const file = machineLayout(this.layout, machine).logFile;
    for await (const { line } of readLogs([{ machine, file }], { accept: ({ s }) => s === stream })) {
      rest += line.l;
      if (line.p) continue;
      lines.push(rest);
      rest = '';
    }
    return lines;
  }

  /** Resolves when a machine's log has the line: a machine runs a moment before its command does. */
  async untilSaid(machine: string, line: string): Promise<void> {
    let lines: readonly string[] = [];
    const isSaid = async (): Promise<boolean> => (lines = await this.output(machine)).includes(line);
    if (await until(isSaid, { timeoutMs: 30_000 })) return;
    throw new Error(`machine ${machine} does not say ${JSON.stringify(line)}: ${JSON.stringify(lines)}`);
  }

  async identity(machine: string): Promise<ProcessIdentity> {
    const record = await this.record(machine);
    const { identityFile } = runLayout(machineLayout(this.layout, machine), record?.run ?? 0);
    return JSON.parse(await readFile(identityFile, 'utf8')) as ProcessIdentity;
  }

  supervisorLog(): Promise<string> {
    return readFile(this.layout.supervisorLog, 'utf8').catch(() => '');
  }

  /** Processes of the project: its base directory is in their arguments, environment or working directory. */
  processes(): Promise<readonly FoundProcess[]> {
    return findProcesses(this.base);
  }

  /** Resolves when no process of the project is left; throws with what is. */
  async untilNoProcess(timeoutMs = 15_000): Promise<void> {
    let left: readonly FoundProcess[] = [];
    const gone = await until(
      async () => {
        left = await this.processes();
        return left.length === 0;
      },
      { timeoutMs },
    );
    if (gone) return;
    throw new Error(
      `left: ${left.map(({ pid, command }) => `${pid} ${command}`).join('\n')}\n${await this.supervisorLog()}`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      const running = await connectSupervisor(this.layout);
      if (running || (await this.processes()).length > 0) await this.perform(this.down({ timeoutMs: 500 }));
      await this.untilNoProcess();
    } finally {
      for (const { pid } of await this.processes()) kill(pid, 'SIGKILL');
      await rm(this.base, { recursive: true, force: true, maxRetries: 5 });
    }
  }
}

export async function collect(stream: AsyncIterable<Event>): Promise<Outcome> {
  const events: Event[] = [];
  for await (const event of stream) events.push(event);
  const last = events.at(-1);
  const failures = events.flatMap((event) => {
    if (event.type === 'action-failed') return [event.message];
    return event.type === 'plan' ? (event.errors ?? []) : [];
  });
  return { ok: last?.type === 'done' && last.ok, events, failures };
}

/** Random numbers in [0, 1) that a failing test can be repeated with. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The seed of this test run: `KRUN_TEST_SEED`, or a new one, which the test's name shows. */
export function testSeed(): number {
  const given = process.env['KRUN_TEST_SEED'];
  return given ? Number(given) : randomBytes(4).readUInt32LE();
}

function required(variable: string): string {
  const value = process.env[variable];
  if (!value) throw new Error(`${variable} is not set: the rig project's global set-up has to run first`);
  return value;
}

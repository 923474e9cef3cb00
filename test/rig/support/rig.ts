import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { onTestFailed } from 'vitest';
import { evidence } from './evidence.ts';
import { findProcesses, kill, type FoundProcess } from './processes.ts';
import { until } from './until.ts';

/** How a finished `krun` ended and what it wrote. */
export interface KrunResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface KrunOptions {
  /** Relative to the project's directory; the project's directory when absent. */
  readonly cwd?: string;
  /** Added to the rig's environment; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Standard input; empty when absent. */
  readonly input?: string;
  /** The command is killed, and the call fails, after that time; the rig's when absent. */
  readonly timeoutMs?: number;
}

/** A `krun` that still runs: attached `up`, `logs -f`, `events`. */
export interface RunningKrun {
  readonly child: ChildProcess;
  stdout(): string;
  stderr(): string;
  /** Resolves with the output so far as soon as stdout and stderr together match. */
  waitForOutput(pattern: RegExp, timeoutMs?: number): Promise<string>;
  signal(name: NodeJS.Signals): void;
  /** Resolves at the end of the process. */
  readonly result: Promise<KrunResult>;
}

/** A project in a temporary directory with a runtime, data and home directory of its own. */
export interface Rig extends AsyncDisposable {
  /** The `krun` that the rig runs; node reads it. */
  readonly program: string;
  /** Where krun.yaml belongs; real path. */
  readonly directory: string;
  /** Parent of all of the rig's directories; every process of the rig can be told by it. */
  readonly base: string;
  readonly runtimeDirectory: string;
  readonly env: Readonly<Record<string, string>>;
  /** Writes a file below the project's directory and makes the directories above it. */
  write(name: string, content: string | Uint8Array, mode?: number): Promise<string>;
  read(name: string): Promise<string>;
  krun(args: readonly string[], options?: KrunOptions): Promise<KrunResult>;
  /** Like `krun`, but fails, showing all output, unless the exit code is 0. Returns stdout. */
  ok(args: readonly string[], options?: KrunOptions): Promise<string>;
  spawn(args: readonly string[], options?: KrunOptions): RunningKrun;
  /** Processes that belong to the rig: its base directory is in their arguments, environment or working directory. */
  leftovers(): Promise<readonly FoundProcess[]>;
}

export interface RigOptions {
  /** Files of the project's directory, by relative name. */
  readonly files?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** How long one command may take, where a call does not say it. Default: 60 s. */
  readonly timeoutMs?: number;
  /** Number of the user and group that `krun` runs as; needs root. Whose the rig's files are is the caller's business. */
  readonly uid?: number;
}

/**
 * Makes a rig, in a test or a benchmark. Dispose it with `await using`: that runs `krun down` and fails if any process
 * stays. If the test fails, what supervisor and guests said is written out.
 */
export async function createRig(options: RigOptions = {}): Promise<Rig> {
  const rig = await createProject(required('KRUN_TEST_PROGRAM'), {
    ...options,
    env: { KRUN_LIBKRUN: required('KRUN_TEST_FAKE_LIBKRUN'), ...options.env },
  });
  if (!process.env['VITEST']) return rig;
  const dispose = rig[Symbol.asyncDispose].bind(rig);
  let told = '';
  onTestFailed(() => console.error(told));
  rig[Symbol.asyncDispose] = async () => {
    try {
      told = await evidence(rig.directory);
    } finally {
      await dispose();
    }
  };
  return rig;
}

/** The same with another build of krun, and the libkrun that this build finds. */
export async function createProject(program: string, options: RigOptions = {}): Promise<Rig> {
  // Socket paths hold 103 bytes: a long TMPDIR would leave no room.
  const parent = os.tmpdir().length <= 40 ? os.tmpdir() : '/tmp';
  const base = await realpath(await mkdtemp(path.join(parent, 'kr-')));
  const env = {
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    LANG: 'C.UTF-8',
    HOME: path.join(base, 'h'),
    XDG_RUNTIME_DIR: path.join(base, 'r'),
    XDG_DATA_HOME: path.join(base, 'd'),
    ...options.env,
  };
  const rig = new ProjectRig(program, base, env, options);
  await Promise.all(['p', 'r', 'd', 'h'].map((name) => mkdir(path.join(base, name), { mode: 0o700 })));
  for (const [name, content] of Object.entries(options.files ?? {})) await rig.write(name, content);
  return rig;
}

class ProjectRig implements Rig {
  readonly program: string;
  readonly #timeoutMs: number;
  readonly #user: { readonly uid?: number; readonly gid?: number };
  readonly base: string;
  readonly directory: string;
  readonly runtimeDirectory: string;
  readonly env: Readonly<Record<string, string>>;

  constructor(program: string, base: string, env: Rig['env'], { timeoutMs = 60_000, uid }: RigOptions) {
    this.program = program;
    this.#timeoutMs = timeoutMs;
    this.#user = uid === undefined ? {} : { uid, gid: uid };
    this.base = base;
    this.directory = path.join(base, 'p');
    this.runtimeDirectory = path.join(base, 'r');
    this.env = env;
  }

  async write(name: string, content: string | Uint8Array, mode = 0o644): Promise<string> {
    const file = path.join(this.directory, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, content, { mode });
    return file;
  }

  read(name: string): Promise<string> {
    return readFile(path.join(this.directory, name), 'utf8');
  }

  spawn(args: readonly string[], options: KrunOptions = {}): RunningKrun {
    const child = spawn(process.execPath, [this.program, ...args], {
      cwd: path.resolve(this.directory, options.cwd ?? '.'),
      env: { ...this.env, ...options.env },
      stdio: 'pipe',
      ...this.#user,
    });
    // A command may end without having read its input.
    child.stdin.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'ECONNRESET') throw error;
    });
    child.stdin.end(options.input ?? '');
    return new AttachedKrun(child, args);
  }

  async krun(args: readonly string[], options: KrunOptions = {}): Promise<KrunResult> {
    const running = this.spawn(args, options);
    const timeoutMs = options.timeoutMs ?? this.#timeoutMs;
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      running.signal('SIGKILL');
    }, timeoutMs);
    try {
      const result = await running.result;
      if (timedOut) throw new Error(`krun ${args.join(' ')} took over ${timeoutMs} ms\n${describe(result)}`);
      return result;
    } finally {
      clearTimeout(timer);
    }
  }

  async ok(args: readonly string[], options: KrunOptions = {}): Promise<string> {
    const result = await this.krun(args, options);
    if (result.code !== 0) throw new Error(`krun ${args.join(' ')} failed\n${describe(result)}`);
    return result.stdout;
  }

  leftovers(): Promise<readonly FoundProcess[]> {
    return findProcesses(this.base);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const down = await this.krun(['down', '--timeout', '1']).catch((error: unknown) => error);
    let left: readonly FoundProcess[] = [];
    // The supervisor answers the last request before it ends.
    const gone = await until(
      async () => {
        left = await this.leftovers();
        return left.length === 0;
      },
      { timeoutMs: this.#timeoutMs / 4 },
    );
    for (const { pid } of left) kill(pid, 'SIGKILL');
    await rm(this.base, { recursive: true, force: true, maxRetries: 5 });
    if (gone) return;
    const list = left.map(({ pid, command }) => `  ${pid} ${command}`).join('\n');
    const outcome = down instanceof Error ? down.message : describe(down as KrunResult);
    throw new Error(`Processes left after krun down:\n${list}\n${outcome}`);
  }
}

class AttachedKrun implements RunningKrun {
  readonly child: ChildProcess;
  readonly result: Promise<KrunResult>;
  readonly #args: readonly string[];
  #stdout = '';
  #stderr = '';
  /** Its end is known, and all that it wrote. */
  #isClosed = false;

  constructor(child: ReturnType<typeof spawn>, args: readonly string[]) {
    this.child = child;
    this.#args = args;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    child.once('close', () => (this.#isClosed = true));
    this.result = once(child, 'close').then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
      stdout: this.#stdout,
      stderr: this.#stderr,
    }));
  }

  stdout(): string {
    return this.#stdout;
  }

  stderr(): string {
    return this.#stderr;
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  async waitForOutput(pattern: RegExp, timeoutMs = 30_000): Promise<string> {
    const output = (): string => `${this.#stdout}${this.#stderr}`;
    await until(() => pattern.test(output()) || this.#isClosed, { timeoutMs });
    if (pattern.test(output())) return output();
    const why = this.#isClosed
      ? `ended with ${this.child.exitCode ?? this.child.signalCode}`
      : `${timeoutMs} ms`;
    throw new Error(`krun ${this.#args.join(' ')}: no ${pattern} in its output (${why}):\n${output()}`);
  }
}

function describe(result: KrunResult): string {
  return `exit ${result.code ?? result.signal}\nstdout:\n${result.stdout}\nstderr:\n${result.stderr}`;
}

function required(variable: string): string {
  const value = process.env[variable];
  if (!value) throw new Error(`${variable} is not set: the rig project's global set-up has to run first`);
  return value;
}

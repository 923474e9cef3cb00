import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, openSync, readFileSync, watch, writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { isAlive } from '../../../src/host/identity.ts';
import { runOutcome } from '../../../src/machine/outcome.ts';
import type { MachineSpec, ProcessIdentity } from '../../../src/machine/spec.ts';
import { machineSpec } from '../../unit/machine/specs.ts';
import { kill } from './processes.ts';

const program = path.resolve(process.env['KRUN_TEST_PROGRAM'] ?? '', '../../dist/machine.js');
const fake = process.env['KRUN_TEST_FAKE_LIBKRUN'] ?? '';

export interface MachineOptions extends Partial<MachineSpec> {
  /** The run that the intent names; null for none. */
  readonly intent?: number | null;
  readonly env?: Readonly<Record<string, string>>;
}

/** Machine processes of one test, below one directory. */
export class MachineProcesses {
  readonly #base: string;
  readonly #started: MachineProcess[] = [];

  /** Makes the guests' root, which has a shell. */
  constructor(base: string) {
    this.#base = base;
    mkdirSync(path.join(base, 'root/bin'), { recursive: true });
    writeFileSync(path.join(base, 'root/bin/sh'), '');
  }

  start(name: string, options: MachineOptions = {}): MachineProcess {
    const machine = new MachineProcess(this.#base, name, options);
    this.#started.push(machine);
    return machine;
  }

  /** Kills what still runs, and as the supervisor does, helpers that have not noticed. */
  async end(): Promise<void> {
    await Promise.all(
      this.#started.map(async (machine) => {
        machine.child.kill('SIGKILL');
        await machine.exited;
        const helper = machine.helper();
        if (helper && isAlive(helper)) kill(helper.pid, 'SIGKILL');
      }),
    );
  }
}

/** One machine process over the stand-in, as a supervisor would start it. */
export class MachineProcess {
  readonly spec: MachineSpec;
  readonly child: ChildProcess;
  readonly exited: Promise<readonly [number | null, string | null]>;

  readonly #base: string;

  constructor(base: string, name: string, { intent = 1, env = {}, ...more }: MachineOptions) {
    this.#base = base;
    const directory = path.join(base, name);
    mkdirSync(directory);
    const file = (stream: string): string => path.join(directory, `run-1.${stream}`);
    this.spec = machineSpec({
      machine: name,
      intentFile: path.join(directory, 'intent.json'),
      identityFile: path.join(directory, 'process.json'),
      controlSocket: path.join(base, `s-${name}`),
      files: {
        stdout: file('stdout'),
        stderr: file('stderr'),
        console: file('console'),
        helper: file('helper'),
        status: file('status'),
      },
      library: { libkrun: fake },
      root: { kind: 'directory', path: path.join(base, 'root') },
      ...more,
    });
    const specFile = path.join(directory, 'spec.json');
    writeFileSync(specFile, JSON.stringify(this.spec));
    if (intent !== null) writeFileSync(this.spec.intentFile, JSON.stringify({ run: intent }));
    for (const stream of Object.values(this.spec.files)) writeFileSync(stream, '');
    const console = openSync(this.spec.files.console, 'a');
    this.child = spawn(process.execPath, [program, specFile], {
      detached: true,
      stdio: ['ignore', console, console],
      env: { PATH: process.env['PATH'], FAKE_KRUN_CALLS: path.join(base, 'calls'), ...env },
    });
    this.exited = once(this.child, 'exit') as Promise<[number | null, string | null]>;
  }

  /** The helper that the process wrote down for the supervisor. */
  helper(): ProcessIdentity | undefined {
    const file = path.join(path.dirname(this.spec.identityFile), 'helper.json');
    return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity) : undefined;
  }

  text(stream: keyof MachineSpec['files']): string {
    return readFileSync(this.spec.files[stream], 'utf8');
  }

  async wrote(stream: keyof MachineSpec['files'], text: string): Promise<void> {
    const watcher = watch(this.spec.files[stream]);
    try {
      while (!this.text(stream).includes(text)) await once(watcher, 'change');
    } finally {
      watcher.close();
    }
  }

  async outcome(): Promise<string> {
    const [code, signal] = await this.exited;
    const { guest, root } = this.spec;
    const outcome = runOutcome({
      status: this.text('status'),
      console: this.text('console'),
      code,
      signal,
      guest: guest.kind,
      root: root.kind,
    });
    return JSON.stringify(outcome).replaceAll(this.#base, 'BASE');
  }

  request(
    method: string,
    body?: object,
    url = '/vm/state',
  ): Promise<readonly [number, Record<string, unknown>]> {
    return new Promise((resolve, reject) => {
      const request = http.request(
        { socketPath: this.spec.controlSocket, method, path: url, agent: false },
        (response) => {
          let text = '';
          response.on('data', (chunk: Buffer) => (text += chunk.toString()));
          response.on('end', () =>
            resolve([response.statusCode ?? 0, JSON.parse(text) as Record<string, unknown>]),
          );
        },
      );
      request.on('error', reject);
      request.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
}

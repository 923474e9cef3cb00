import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Member, MemberStatus, NetworkState } from '../../../src/network/api.ts';
import { NetworkClient } from '../../../src/network/client.ts';
import { NETWORK_SPEC_VERSION, type NetworkSpec, type Uplink } from '../../../src/network/spec.ts';
import { readLogs } from '../../../src/store/log-read.ts';
import { findProcesses, kill, type FoundProcess } from './processes.ts';
import { Guest } from './tap-guest.ts';
import { until } from './until.ts';

export interface NetworkOptions {
  readonly uplink?: Uplink;
  readonly gvproxy?: string | undefined;
  /** A shell script that is taken for gvproxy. */
  readonly impostor?: string;
  /** Name of the runtime directory; a long one makes socket paths too long. */
  readonly runtime?: string;
  /** What the intent says; the run itself when absent. */
  readonly intent?: number;
  readonly env?: Readonly<Record<string, string>>;
}

export const GVPROXY_UPLINK: Extract<Uplink, { kind: 'gvproxy' }> = {
  kind: 'gvproxy',
  subnet: '192.168.127.0/24',
  mtu: 1500,
  hostAccess: true,
};

/** One network process, as the supervisor starts it. Disposing kills what is left of it. */
export class NetworkProcess implements AsyncDisposable {
  readonly base: string;
  readonly spec: NetworkSpec;
  readonly client: NetworkClient;
  readonly child: ChildProcess;
  readonly ended: Promise<string>;
  #output = '';
  readonly #guests: Guest[] = [];

  private constructor(base: string, spec: NetworkSpec, env: NodeJS.ProcessEnv) {
    this.base = base;
    this.spec = spec;
    this.client = new NetworkClient(spec.controlSocket);
    const script = path.resolve(required('KRUN_TEST_PROGRAM'), '../../dist/network.js');
    this.child = spawn(process.execPath, [script, path.join(base, 'n', 'run-1', 'spec.json')], {
      cwd: '/',
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.#output += text));
    }
    this.ended = once(this.child, 'exit').then(([code, signal]) => String(signal ?? code));
  }

  /** Resolves when the process listens, or has ended. */
  static async start(options: NetworkOptions = {}): Promise<NetworkProcess> {
    const parent = os.tmpdir().length <= 40 ? os.tmpdir() : '/tmp';
    const base = await realpath(await mkdtemp(path.join(parent, 'kn-')));
    const runtime = path.join(base, options.runtime ?? 'r');
    const state = path.join(base, 'n');
    await mkdir(path.join(state, 'run-1'), { recursive: true });
    await mkdir(runtime);
    let { gvproxy } = options;
    if (options.impostor !== undefined) {
      gvproxy = path.join(base, 'gvproxy');
      await writeFile(gvproxy, `#!/bin/sh\n${options.impostor}\n`, { mode: 0o755 });
    }
    const spec: NetworkSpec = {
      version: NETWORK_SPEC_VERSION,
      project: 'rig',
      network: 'default',
      run: 1,
      intentFile: path.join(state, 'intent.json'),
      identityFile: path.join(state, 'run-1', 'process.json'),
      controlSocket: path.join(base, 'c'),
      sockets: { gvproxyApi: path.join(runtime, 'ga'), gvproxyLink: path.join(runtime, 'gq') },
      logFile: path.join(state, 'log.jsonl'),
      helpers: gvproxy === undefined ? {} : { gvproxy },
      uplink: options.uplink ?? GVPROXY_UPLINK,
    };
    await writeFile(path.join(state, 'run-1', 'spec.json'), JSON.stringify(spec));
    await writeFile(spec.intentFile, JSON.stringify({ run: options.intent ?? 1 }));
    const env = { PATH: '/usr/bin:/bin', HOME: base, ...options.env };
    const network = new NetworkProcess(base, spec, env);
    const isThere = (): boolean => network.output.includes('listening\n');
    await Promise.race([network.ended, until(isThere, { timeoutMs: 30_000 })]);
    return network;
  }

  get output(): string {
    return this.#output;
  }

  async put(name: string, member: Member): Promise<MemberStatus> {
    const status = await this.client.putMember(name, member);
    if (!status.ok) throw new Error(`${name}: ${JSON.stringify(status.error)}\n${await this.log()}`);
    return status.value;
  }

  /** What the process says when it does not take the member. */
  async refusal(name: string, member: Member): Promise<string> {
    const status = await this.client.putMember(name, member);
    if (status.ok) throw new Error(`${name} was taken`);
    const { message } = status.error;
    const hint = 'hint' in status.error ? `\n  ${status.error.hint}` : '';
    return `${message}${hint}`.replaceAll(this.base, 'BASE');
  }

  async state(): Promise<NetworkState> {
    const state = await this.client.state();
    if (!state.ok) throw new Error(`no state: ${state.error.message}\n${await this.log()}`);
    return state.value;
  }

  async gvproxyPid(): Promise<number> {
    const pid = (await this.state()).helper?.pid;
    if (pid === undefined) throw new Error(`gvproxy does not run\n${await this.log()}`);
    return pid;
  }

  member(number: number, more: Partial<Member> = {}): Member {
    return {
      mac: `52:55:00:00:00:${number.toString(16).padStart(2, '0')}`,
      ip: `192.168.127.${number}`,
      names: [`m${number}`],
      linkSocket: path.join(this.base, `l${number}`),
      ports: [],
      ...more,
    };
  }

  /** A guest on the network; `script` is run by node inside. */
  async guest(member: Member, script: string): Promise<Guest> {
    const guest = await Guest.start(member, script);
    this.#guests.push(guest);
    return guest;
  }

  /** The network's log as text: what it says itself, or its helper. */
  async log(stream: 'network' | 'helper' = 'network'): Promise<string> {
    const lines: string[] = [];
    if (!existsSync(this.spec.logFile)) return '';
    const sources = [{ machine: 'default', file: this.spec.logFile }];
    for await (const { line } of readLogs(sources, { accept: ({ s }) => s === stream })) lines.push(line.l);
    return lines.join('\n').replaceAll(this.base, 'BASE');
  }

  /** Processes of the network, without its guests. */
  processes(): Promise<readonly FoundProcess[]> {
    return findProcesses(this.base);
  }

  async untilNoProcess(): Promise<void> {
    let left: readonly FoundProcess[] = [];
    const gone = await until(
      async () => {
        left = await this.processes();
        return left.length === 0;
      },
      { timeoutMs: 20_000 },
    );
    if (!gone) throw new Error(`left: ${left.map(({ command }) => command).join('\n')}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const guest of this.#guests) guest.kill();
    this.child.kill('SIGKILL');
    await until(async () => (await this.processes()).length === 0, { timeoutMs: 3000 });
    for (const { pid } of await this.processes()) kill(pid, 'SIGKILL');
    await rm(this.base, { recursive: true, force: true, maxRetries: 5 });
  }
}

function required(variable: string): string {
  const value = process.env[variable];
  if (!value) throw new Error(`${variable} is not set: the rig project's global set-up has to run first`);
  return value;
}

import { mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ChangeSignal } from '../host/change-signal.ts';
import { unlessMissing } from '../host/errno.ts';
import { tailOf } from '../host/file-tail.ts';
import { bootId } from '../host/identity.ts';
import type { ProcessIdentity } from '../machine/spec.ts';
import type { Member } from '../network/api.ts';
import { NetworkClient, type NetworkFailure } from '../network/client.ts';
import { NETWORK_SPEC_VERSION, type NetworkSpec } from '../network/spec.ts';
import type { ProcessNetwork } from '../plan/network-use.ts';
import type { HelperPaths } from '../project/project.ts';
import { networkLayout, runLayout, type Layout, type NetworkLayout } from '../store/layout.ts';
import { writeNetworkRecord } from '../store/record-files.ts';
import { STATE_SCHEMA_VERSION, type NetworkRecord } from '../store/records.ts';
import { ActionFailure } from './failure.ts';
import { removeNetworkRuns } from './network-remains.ts';
import { startRun } from './run-lifetime.ts';
import { adoptRunProcess, type ProcessEnd, type RunProcess } from './run-process.ts';

/** What a network process is started from. */
export interface NetworkContext {
  readonly layout: Layout;
  readonly projectName: () => string;
  /** Node and the network process's script. */
  readonly networkProgram: readonly [node: string, script: string];
  readonly environment: Readonly<Record<string, string>>;
  readonly warn: (message: string) => void;
  readonly networkChanged: (network: string, status: 'starting' | 'running' | 'ended') => void;
}

export interface NetworkHooks {
  /** Whether a machine needs the process. */
  readonly isWanted: () => boolean;
  /** The process ended by itself, and with it the links of these members. */
  readonly lost: (reason: string) => void;
  /** A process was started or ended, and nothing is left to do about it. */
  readonly settled: () => void;
}

/** A network process that does not open its socket in this time never will. */
const START_MS = 20_000;
/** Who ends a machine does not wait longer for a network that hangs. */
const DELETE_MS = 5000;
/** Time to end its helper; then it is killed, and the helper ends with it. */
const STOP_MS = 5000;

/** A process that runs. */
interface Live {
  readonly run: number;
  readonly shape: string;
  readonly process: RunProcess;
  /** Resolves when nothing of it is left. */
  readonly over: Promise<void>;
  /** How it ended: ` (SIGKILL)`. */
  ending: string | undefined;
}

/** Looks after the process of one network: has it run while a machine needs it, with the shape that the machine has. */
export class NetworkKeeper {
  readonly #context: NetworkContext;
  readonly #hooks: NetworkHooks;
  readonly #name: string;
  readonly #files: NetworkLayout;
  readonly #client: NetworkClient;
  #record: NetworkRecord | undefined;
  #live: Live | undefined;
  /** The end was asked for, or the start failed: nobody has to be told. */
  #endAsked = false;
  /** Starts and stops, one after the other. */
  #turn: Promise<void> = Promise.resolve();
  #waiting = 0;

  constructor(context: NetworkContext, name: string, hooks: NetworkHooks, record?: NetworkRecord) {
    this.#context = context;
    this.#hooks = hooks;
    this.#name = name;
    this.#files = networkLayout(context.layout, name);
    this.#client = new NetworkClient(this.#files.controlSocket);
    this.#record = record;
  }

  /** Whether there is a process, or one is just being started. */
  get isBusy(): boolean {
    return this.#live !== undefined || this.#waiting > 0;
  }

  /** Shape of the process that runs. */
  get shape(): string | undefined {
    return this.#live && this.#live.ending === undefined ? this.#live.shape : undefined;
  }

  /** Takes over the process of an earlier supervisor. */
  adopt(identity: ProcessIdentity, shape: string): void {
    this.#watch(adoptRunProcess(identity), identity.run, shape);
  }

  /** Ends what earlier supervisors left, whatever state it is in, and deletes its files but the log. */
  async clear(): Promise<void> {
    const names = (await unlessMissing(readdir(this.#files.directory))) ?? [];
    const runs = names.flatMap((name) => /^run-(\d+)$/.exec(name)?.[1] ?? []).map(Number);
    await removeNetworkRuns(this.#files, runs);
  }

  /** Has the process run with the machine's shape of the network. */
  ensure(wanted: ProcessNetwork, helpers: HelperPaths): Promise<void> {
    return this.#inTurn(async () => {
      if (this.shape === wanted.shape) return;
      // The plan lets no machine start before all that run on another shape have stopped.
      if (this.#live) await this.#stop(this.#live);
      await this.#start(wanted, helpers);
    });
  }

  /** Ends the process unless a machine needs it. */
  settle(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#live && !this.#hooks.isWanted()) await this.#stop(this.#live);
    });
  }

  /** Makes a machine a member, or tells the network what is new about it. */
  async put(machine: string, member: Member): Promise<void> {
    const answer = await this.#client.putMember(machine, member);
    if (!answer.ok) throw this.#failure(answer.error);
  }

  /** Resolves as well where the process is gone. */
  async delete(machine: string): Promise<void> {
    if (this.shape === undefined) return;
    const overdue = delay(DELETE_MS, undefined, { ref: false });
    const answer = await Promise.race([this.#client.deleteMember(machine), overdue]);
    if (answer?.ok || answer?.error.kind === 'absent' || this.shape === undefined) return;
    const why = answer?.error.message ?? `no answer for ${DELETE_MS / 1000} s`;
    this.#context.warn(`network ${this.#name}: machine ${machine} stays a member: ${why}`);
  }

  /** Names of all members that the process knows. */
  async members(): Promise<readonly string[]> {
    const state = this.#live ? await this.#client.state() : undefined;
    return state?.ok ? Object.keys(state.value.members) : [];
  }

  /** Kills the process, whatever comes of it. */
  kill(): void {
    this.#endAsked = true;
    this.#live?.process.kill();
  }

  /** Resolves when every start and stop so far is done. */
  idle(): Promise<void> {
    return this.#turn;
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#waiting += 1;
    const done = this.#turn.then(work).finally(() => {
      this.#waiting -= 1;
      this.#hooks.settled();
    });
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #start({ attachment, uplink, shape }: ProcessNetwork, helpers: HelperPaths): Promise<void> {
    const { layout, projectName, networkProgram, environment, networkChanged } = this.#context;
    const files = this.#files;
    const run = (this.#record?.run ?? 0) + 1;
    const own = runLayout(files, run);
    await mkdir(files.directory, { recursive: true, mode: 0o700 });
    await this.clear();
    const definition = attachment.network;
    const version = STATE_SCHEMA_VERSION;
    this.#record = { schemaVersion: version, network: this.#name, definition, run, bootId: bootId() };
    await writeNetworkRecord(layout, this.#record);
    const spec: NetworkSpec = {
      version: NETWORK_SPEC_VERSION,
      project: projectName(),
      network: this.#name,
      run,
      intentFile: files.intentFile,
      identityFile: own.identityFile,
      controlSocket: files.controlSocket,
      sockets: { gvproxyApi: files.gvproxyApi, gvproxyLink: files.gvproxyLink },
      logFile: files.logFile,
      helpers,
      uplink,
    };
    const stderrFile = this.#stderrFile(run);
    // Until it answers, nobody is told of its end but who waits here.
    this.#endAsked = true;
    const process = await startRun({ files, run, spec, program: networkProgram, stderrFile, environment });
    // From here on, its end is told as well.
    networkChanged(this.#name, 'starting');
    const live = this.#watch(process, run, shape);
    const problem = await this.#untilAnswering(live);
    if (problem) {
      process.kill();
      await live.over;
      throw problem;
    }
    this.#endAsked = false;
    networkChanged(this.#name, 'running');
  }

  /** Resolves when the process answers on its socket, with what it died of where it does not. */
  async #untilAnswering(live: Live): Promise<ActionFailure | undefined> {
    const changes = new ChangeSignal();
    const ended = new AbortController();
    void live.process.ended.then(() => ended.abort());
    const signal = AbortSignal.any([ended.signal, AbortSignal.timeout(START_MS)]);
    try {
      changes.watchOnly([this.#context.layout.runtimeDirectory]);
      while (!signal.aborted) {
        const state = await this.#client.state();
        if (state.ok) return undefined;
        await changes.next(signal);
      }
    } finally {
      changes.close();
    }
    const how = live.ending === undefined ? 'does not answer' : `ended at once${live.ending}`;
    return new ActionFailure(
      `the network process of ${this.#name} ${how}`,
      `its log: krun logs --helpers; ${this.#files.logFile}`,
    );
  }

  #watch(process: RunProcess, run: number, shape: string): Live {
    const over = process.ended.then((end) => this.#ended(run, this.#endText(end, run)));
    const live = { run, shape, process, over, ending: undefined };
    this.#live = live;
    return live;
  }

  async #ended(run: number, ending: string): Promise<void> {
    if (this.#live) this.#live.ending = ending;
    if (!this.#endAsked) this.#hooks.lost(`the network process of ${this.#name} ended${ending}`);
    try {
      await removeNetworkRuns(this.#files, [run]);
    } catch (error) {
      this.#context.warn(`network ${this.#name}: ${String(error)}`);
    }
    this.#live = undefined;
    this.#context.networkChanged(this.#name, 'ended');
    this.#hooks.settled();
  }

  async #stop(live: Live): Promise<void> {
    this.#endAsked = true;
    if (live.ending !== undefined) return live.over;
    const timer = setTimeout(() => live.process.kill(), STOP_MS);
    const answer = await this.#client.stop();
    if (!answer.ok) live.process.kill();
    await live.over;
    clearTimeout(timer);
  }

  #failure(failure: NetworkFailure): ActionFailure {
    if (failure.kind === 'refused') return new ActionFailure(failure.message, failure.hint);
    return new ActionFailure(
      `network ${this.#name}: ${failure.message}`,
      `its log: krun logs --helpers; ${this.#files.logFile}`,
    );
  }

  /** ` (SIGKILL)`; nothing where only a parent would know. */
  #endText({ code, signal }: ProcessEnd, run: number): string {
    if (signal !== null) return ` (${signal})`;
    if (code === null) return '';
    const said = tailOf(this.#stderrFile(run)).trim();
    if (said !== '') this.#context.warn(`network ${this.#name}: ${said}`);
    // Below it come the stack and Node's version.
    const reason = /^\w*Error\b.*$/m.exec(said)?.[0];
    return ` (exit code ${code}${reason === undefined ? '' : `: ${reason}`})`;
  }

  #stderrFile(run: number): string {
    return path.join(runLayout(this.#files, run).directory, 'stderr');
  }
}

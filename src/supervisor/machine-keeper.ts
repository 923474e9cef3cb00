import { mkdir } from 'node:fs/promises';
import { bootId } from '../host/identity.ts';
import type { RunOutcome } from '../machine/outcome.ts';
import { isActive, type MachineState } from '../plan/machine-state.ts';
import type { Machine, RestartPolicy } from '../project/project.ts';
import { machineLayout, type MachineLayout } from '../store/layout.ts';
import { newRecord, withoutAttempt, type Endpoint, type MachineRecord } from '../store/records.ts';
import { DueRestart } from './due-restart.ts';
import { exchangedPorts } from './exchanged-ports.ts';
import { describeFailure } from './failure.ts';
import { KeptRecord } from './kept-record.ts';
import { endRun, isEnding, overdueText, signalGuest, type StopOptions } from './machine-ending.ts';
import { removeMachineFiles } from './machine-files.ts';
import { MachineHealth } from './machine-health.ts';
import { failWithoutLink, rejoin } from './machine-links.ts';
import { MachineLogs } from './machine-logs.ts';
import { clearPlaces } from './machine-places.ts';
import { adoptRunProcess, type RunProcess } from './run-process.ts';
import { MachineRun } from './machine-run.ts';
import { startFailure, startMachine, type StartContext } from './machine-start.ts';
import { closeRun, endHelpers, revokeRuns } from './run-lifetime.ts';
import { outcomeSeen, type Sighting } from './sighting.ts';
import { sinceMs, stateAfterRun } from './state-after-run.ts';

/** What all keepers of a project share. */
export interface KeeperContext extends StartContext {
  /** Called after the state has been written. */
  readonly changed: (machine: string, state: MachineState) => void;
  readonly warn: (message: string) => void;
  /** A run is over and nothing of it is left to do. */
  readonly settled: () => void;
}

const NO_RESTART: RestartPolicy = { policy: 'no' };

/**
 * Looks after one machine: starts it, sees it through its life, restarts it by its policy, ends it.
 */
export class MachineKeeper {
  readonly #context: KeeperContext;
  readonly #files: MachineLayout;
  readonly #logs: MachineLogs;
  readonly #kept: KeptRecord;
  readonly #health: MachineHealth;
  #run: MachineRun | undefined;
  /** Follows the run until its end is recorded. */
  #closing: Promise<void> | undefined;
  readonly #restart = new DueRestart();
  /** Somebody asked for the end that comes next. */
  #endAsked = false;
  /** The newest run whose guest has reported in. */
  #readyRun = 0;
  /** A run that is just being begun. */
  #beginning: Promise<void> | undefined;

  constructor(context: KeeperContext, record: MachineRecord) {
    const warn = (message: string): void => context.warn(`machine ${record.machine}: ${message}`);
    this.#context = { ...context, warn };
    this.#kept = new KeptRecord(context.layout, record, this.#context);
    this.#health = new MachineHealth({
      layout: context.layout,
      kept: this.#kept,
      lost: (reason) => void this.#endFailed(reason),
      warn,
    });
    this.#files = machineLayout(context.layout, record.machine);
    this.#logs = new MachineLogs(this.#files, record.definition.logs, warn);
  }

  /** Makes the record of a new machine, or of one that takes the place of a removed one. */
  static async create(context: KeeperContext, definition: Machine, hash: string): Promise<MachineKeeper> {
    const files = machineLayout(context.layout, definition.name);
    await mkdir(files.directory, { recursive: true, mode: 0o700 });
    const keeper = new MachineKeeper(context, newRecord(definition, hash, now()));
    // The log of a machine that is made anew goes on, and its lines name runs: numbers must not be used twice.
    await keeper.#kept.set({ run: keeper.#logs.ingest.lastRun, state: { status: 'created' } });
    return keeper;
  }

  get record(): MachineRecord {
    return this.#kept.value;
  }

  get state(): MachineState {
    return this.#kept.state;
  }

  /** Whether there is something to look after: a process, or a restart that is due. */
  get isBusy(): boolean {
    return isActive(this.state) || this.#closing !== undefined;
  }

  /** Whether the newest run has been healthy at some time. */
  get wasHealthy(): boolean {
    return this.#health.healthyRun === this.record.run;
  }

  /** Resolves as soon as the state is as wanted; rejects with the signal's reason. */
  until(wanted: (state: MachineState) => boolean, signal: AbortSignal): Promise<void> {
    return this.#kept.until(wanted, signal);
  }

  /** Takes over what an earlier supervisor left. */
  async recover(seen: Sighting): Promise<void> {
    const { state } = this;
    if (seen.kind === 'alive') {
      this.#endAsked = state.status === 'stopping';
      // Earlier runs first: the log is in the order of the runs.
      this.#logs.takeInAndDiscard(this.record.run);
      this.#watch(adoptRunProcess(seen.identity), sinceMs(state, Date.now()));
      // The supervisor was killed while it waited for the guest to end.
      const { stopGracePeriodMs: graceMs } = this.record.definition;
      if (this.#endAsked) this.#run?.killAt(sinceMs(state, Date.now()) + graceMs, overdueText(graceMs));
      this.#health.begin({ isAdopted: true });
      failWithoutLink(this.#run, this.record, this.#context.networks);
      await rejoin(this.record, this.#context);
      return;
    }
    if (seen.kind === 'pending') {
      this.#logs.takeInAndDiscard(undefined);
      this.#scheduleRestart();
      return;
    }
    await revokeRuns(this.#files, this.#logs.ingest.leftRuns());
    if (seen.kind === 'idle') {
      this.#logs.takeInAndDiscard(undefined);
      return;
    }
    this.#logs.takeIn(undefined);
    this.#endAsked = state.status === 'stopping';
    const policy = seen.kind === 'rebooted' ? NO_RESTART : this.record.definition.restart;
    await this.#conclude(outcomeSeen(state, seen), policy);
  }

  /** Starts the machine; resolves when its guest has reported in, or has ended again after that. Returns a remark. */
  async start(signal: AbortSignal): Promise<string | undefined> {
    await this.#settled();
    const before = this.record.endpoint;
    if (!this.#run) {
      this.#restart.cancel();
      this.#kept.amend((record) => ({ ...withoutAttempt(record), stoppedByUser: false }));
      await this.#begin();
    }
    const { run } = this.record;
    await this.until((state) => state.status !== 'starting' || state.run !== run, signal);
    const failure = startFailure(this.record, this.#readyRun >= run);
    if (failure) throw failure;
    return exchangedPorts(this.record.definition, before, this.record.endpoint);
  }

  /** Ends the machine: asks its guest, and kills what is left after the grace period. Returns a remark. */
  async stop(options: StopOptions): Promise<string | undefined> {
    await this.#beginning;
    const run = this.#run;
    if (!run) {
      await this.#closing;
      await this.#endWithoutProcess(options.byUser);
      return;
    }
    this.#health.end();
    this.#endAsked = true;
    const stoppedByUser = options.byUser || this.record.stoppedByUser;
    const since = this.state.status === 'stopping' ? this.state.since : now();
    await this.#kept.set({ stoppedByUser, state: { status: 'stopping', run: run.run, since } });
    const { definition } = this.record;
    const graceMs = options.timeoutMs ?? definition.stopGracePeriodMs;
    const remark = await endRun(run, { ...definition, files: this.#files, graceMs });
    await this.until((state) => !isActive(state), options.signal);
    return [remark, run.overdue].filter((text) => text !== undefined).join('; ') || undefined;
  }

  /** Sends a signal: SIGKILL to the machine process, any other to the guest's command. */
  async kill(signalName: string, signal: AbortSignal): Promise<void> {
    await this.#beginning;
    const ends = isEnding(signalName, this.record.definition);
    const run = this.#run;
    if (!run) {
      await this.#closing;
      if (ends) await this.#endWithoutProcess(true);
      return;
    }
    if (ends) {
      // Recorded first: whoever finds the machine ended must know that this was wanted.
      this.#endAsked = true;
      await this.#kept.set({ stoppedByUser: true });
    }
    const { machine } = this.record;
    if (signalName !== 'SIGKILL') return signalGuest(run, this.#files.controlSocket, { machine, signalName });
    run.kill();
    await this.until((state) => !isActive(state), signal);
  }

  /** Replaces the definition of a machine that goes on as it is, with other ports and names where it is connected. */
  async update(definition: Machine, hash: string): Promise<void> {
    await this.#beginning;
    if (this.#run) {
      const endpoint = await this.#context.networks.update(definition, this.record.endpoint);
      await this.#kept.set({ endpoint });
    }
    this.#logs.configure(definition.logs);
    const before = this.record.definition;
    await this.#kept.set({ definition, hash });
    await this.#health.change(before);
  }

  /** Ends what is left of the machine and deletes its files; its log stays for the machine that takes its place. */
  async remove(options: { readonly keepLog: boolean }): Promise<void> {
    this.#endAsked = true;
    this.#health.end();
    this.#restart.cancel();
    await this.#beginning;
    await closeRun(this.#files);
    this.#run?.kill();
    await this.#closing;
    await revokeRuns(this.#files, this.#logs.ingest.leftRuns());
    await this.#kept.written();
    this.#logs.takeInAndDiscard(undefined);
    await removeMachineFiles(this.#files, options);
  }

  /** Ends the run of a machine whose link to a network is gone for ever; its restart policy decides what comes next. */
  loseNetwork(reason: string): void {
    if (this.#context.networks.lostBy(this.record.definition) !== undefined) this.#run?.fail(reason);
  }

  /** Kills the machine's process, whatever comes of it. */
  killProcess(): void {
    this.#run?.kill();
  }

  /** Lets go of the machine, which runs on: the supervisor ends. */
  async leave(): Promise<void> {
    this.#restart.cancel();
    this.#health.end();
    await this.#beginning;
    this.#run?.leave();
    await this.#kept.written();
  }

  /** Begins a run; until it has begun, nothing else can be done to the machine. */
  async #begin(): Promise<void> {
    this.#beginning = this.#beginRun().finally(() => (this.#beginning = undefined));
    await this.#beginning;
  }

  async #beginRun(): Promise<void> {
    const run = this.record.run + 1;
    const startedAt = new Date();
    this.#endAsked = false;
    this.#logs.takeInAndDiscard(undefined);
    const state = { status: 'starting', run, since: startedAt.toISOString() } as const;
    await this.#kept.set({ run, bootId: bootId(), state });
    try {
      const { definition, endpoint } = this.record;
      const save = (joined: Endpoint): Promise<void> => this.#kept.set({ endpoint: joined });
      const process = await startMachine(this.#context, { definition, run, endpoint, save });
      this.#watch(process, startedAt.getTime());
      failWithoutLink(this.#run, this.record, this.#context.networks);
    } catch (error) {
      const { message, hint } = describeFailure(error);
      await revokeRuns(this.#files, this.#logs.ingest.leftRuns());
      // What is refused at the user's own request is the user's to mend; a restart may find it mended.
      const policy = this.record.attempt === undefined ? NO_RESTART : this.record.definition.restart;
      const why = hint === undefined ? { reason: message } : { reason: message, hint };
      await this.#conclude({ kind: 'failed', ...why }, policy);
    }
  }

  #watch(process: RunProcess, startedAtMs: number): void {
    const { run, definition } = this.record;
    this.#run = new MachineRun({
      layout: this.#files,
      definition,
      run,
      process,
      ingest: this.#logs.ingest,
      startedAtMs,
      onReady: () => this.#ready(run),
      onLines: (lines) => this.#health.see(lines),
      warn: (message) => this.#context.warn(message),
    });
    this.#closing = this.#run.ended
      .then((outcome) => this.#conclude(outcome))
      .catch((error: unknown) => this.#context.warn(describeFailure(error).message))
      .finally(() => {
        this.#closing = undefined;
        this.#kept.notify();
        this.#context.settled();
      });
  }

  #ready(run: number): void {
    this.#readyRun = run;
    if (this.state.status !== 'starting') return;
    const since = now();
    void this.#kept.set({ state: { status: 'running', run, since, ...this.#health.first(since) } });
    this.#health.begin();
  }

  /** Ends a machine that runs and does not do its work; its restart policy decides what comes next. */
  async #endFailed(reason: string): Promise<void> {
    const run = this.#run;
    if (!run || this.#endAsked) return;
    this.#context.warn(`is ended: ${reason}`);
    run.blame(reason);
    const { definition } = this.record;
    await endRun(run, { ...definition, files: this.#files, graceMs: definition.stopGracePeriodMs });
  }

  /** Records how a run ended and what becomes of the machine. */
  async #conclude(
    outcome: RunOutcome,
    policy: RestartPolicy = this.record.definition.restart,
  ): Promise<void> {
    const { run, definition } = this.record;
    this.#run = undefined;
    this.#health.end();
    const ended = { outcome, policy, isAsked: this.#endAsked, nowMs: Date.now() };
    const state = stateAfterRun(this.record, ended);
    await closeRun(this.#files);
    const parted = this.#context.networks.part(definition);
    await Promise.all([endHelpers(this.#files, run), parted, clearPlaces(definition, this.#context)]);
    await this.#kept.set({ state });
    this.#scheduleRestart();
    // The record says by now what the raw files did.
    this.#logs.takeInAndDiscard(undefined);
  }

  /** A restart that is due: after the state says so, and again after the supervisor was replaced. */
  #scheduleRestart(): void {
    const { state } = this;
    if (state.status !== 'restarting' || this.#endAsked) return;
    this.#restart.at(state.nextAt, () => {
      if (this.state !== state) return;
      const { attempt } = state;
      this.#kept.amend((record) => ({ ...record, attempt, restarts: record.restarts + 1 }));
      this.#begin().catch((error: unknown) => this.#context.warn(describeFailure(error).message));
    });
  }

  /** Nothing half-way: no run that is just beginning, none whose end is just being recorded. */
  async #settled(): Promise<void> {
    while (this.#beginning ?? this.#closing) {
      await this.#beginning;
      if (!this.#run) await this.#closing;
      else return;
    }
  }

  async #endWithoutProcess(byUser: boolean): Promise<void> {
    this.#restart.cancel();
    const { state } = this;
    const stoppedByUser = byUser || this.record.stoppedByUser;
    if (state.status !== 'restarting') return this.#kept.set({ stoppedByUser });
    const { run, exit, since } = state;
    await this.#kept.set({ stoppedByUser, state: { status: 'exited', run, since, exit } });
  }
}

function now(): string {
  return new Date().toISOString();
}

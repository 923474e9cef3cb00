import { mkdir, rm } from 'node:fs/promises';
import { writeJson } from '../host/atomic-file.ts';
import { punchHole } from '../host/punch-hole.ts';
import type { RunOutcome } from '../machine/outcome.ts';
import type { ProcessIdentity } from '../machine/spec.ts';
import { isActive, type Exit, type MachineState } from '../plan/machine-state.ts';
import { afterExit, exitText } from '../plan/restart.ts';
import type { Machine, RestartPolicy } from '../project/project.ts';
import { machineLayout, rawFile, type Layout, type MachineLayout } from '../store/layout.ts';
import { LogIngest } from '../store/log-ingest.ts';
import { writeMachineRecord } from '../store/record-files.ts';
import type { MachineRecord } from '../store/records.ts';
import { postControl } from './control-client.ts';
import { ActionFailure, describeFailure } from './failure.ts';
import { adoptMachineProcess, killIdentified, spawnMachineProcess, untilGone } from './machine-process.ts';
import type { MachineProcess } from './machine-process.ts';
import { MachineRun } from './machine-run.ts';
import { machineSpec } from './machine-spec.ts';
import { checkPorts } from './ports.ts';
import { readIdentity, type Sighting } from './sighting.ts';
import { removeMachineFiles } from './machine-files.ts';

/** What all keepers of a project share. */
export interface KeeperContext {
  readonly layout: Layout;
  readonly projectName: () => string;
  /** Node and the machine process's script. */
  readonly program: readonly [node: string, script: string];
  readonly environment: Readonly<Record<string, string>>;
  /** Called after the state has been written. */
  readonly changed: (machine: string, state: MachineState) => void;
  readonly warn: (message: string) => void;
}

/** Signals that ask a guest to end: what ends after one of these was ended by the user and is not restarted. */
const ENDING_SIGNALS: ReadonlySet<string> = new Set(['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGKILL']);

const NO_RESTART: RestartPolicy = { policy: 'no' };

/**
 * Looks after one machine: starts it, sees it through its life, restarts it by its policy, ends it.
 *
 * Crash protocol. The supervisor and the machine process may each be killed between any two of these steps:
 *
 *     supervisor                              machine process
 *     1 record: starting, run n
 *     2 old identity file removed
 *     3 spec, then intent {"run": n}
 *     4 spawn ------------------------------> 5 writes its identity (run n)
 *                                             6 reads the intent; ends unless it names run n
 *
 *     R1 removes the intent
 *     R2 reads the identity; kills what it names; waits until it is gone
 *     R3 removes the files, the record last
 *
 * - Killed before 4: no process. The record says that one may be there; R1-R2 find none.
 * - Killed after 4, before 5: nobody knows the process's pid. It writes its identity (5) before it reads the intent (6);
 *   a later supervisor removes the intent (R1) before it reads the identity (R2). Whatever the order of the four, either
 *   R2 sees the identity and kills, or 6 sees that the intent is gone and ends. Neither can miss both.
 * - Killed after 5: the identity names the process by pid, start time and boot, so it is adopted, or killed, and never
 *   confused with a later process of the same pid.
 * - Killed during R3: the record is removed last, so what is left is a machine that has ended, and is removed again.
 *
 * That is why 1 comes before 3 (a process without a record would be looked for by nobody), and 2 before 3 (an old
 * identity would be taken for the new run's).
 */
export class MachineKeeper {
  readonly #context: KeeperContext;
  readonly #files: MachineLayout;
  readonly #ingest: LogIngest;
  #record: MachineRecord;
  #run: MachineRun | undefined;
  /** Follows the run until its end is recorded. */
  #closing: Promise<void> | undefined;
  #restart: NodeJS.Timeout | undefined;
  /** Somebody asked for the end that comes next. */
  #endAsked = false;
  /** The newest run whose guest has reported in. */
  #readyRun = 0;
  /** A run that is just being begun. */
  #beginning: Promise<void> | undefined;
  #writes: Promise<void> = Promise.resolve();
  readonly #listeners: Set<() => void> = new Set();

  constructor(context: KeeperContext, record: MachineRecord) {
    this.#context = context;
    this.#record = record;
    this.#files = machineLayout(context.layout, record.machine);
    this.#ingest = new LogIngest(this.#files, record.definition.logs, { punchHole });
  }

  /** Makes the record of a new machine, or of one that takes the place of a removed one. */
  static async create(context: KeeperContext, definition: Machine, hash: string): Promise<MachineKeeper> {
    const files = machineLayout(context.layout, definition.name);
    await mkdir(files.directory, { recursive: true, mode: 0o700 });
    const keeper = new MachineKeeper(context, newRecord(definition, hash));
    // The log of a machine that is made anew goes on, and its lines name runs: numbers must not be used twice.
    await keeper.#set({ run: keeper.#ingest.lastRun });
    return keeper;
  }

  get record(): MachineRecord {
    return this.#record;
  }

  get state(): MachineState {
    return this.#record.state;
  }

  /** Whether there is something to look after: a process, or a restart that is due. */
  get isBusy(): boolean {
    return isActive(this.state) || this.#closing !== undefined;
  }

  /** Takes over what an earlier supervisor left. */
  async recover(seen: Sighting): Promise<void> {
    const { state } = this.#record;
    if (seen.kind === 'alive') {
      this.#endAsked = state.status === 'stopping';
      this.#watch(adoptMachineProcess(seen.identity), sinceMs(state));
      return;
    }
    if (seen.kind === 'pending') {
      this.#takeInLeftovers();
      this.#scheduleRestart();
      return;
    }
    await this.#revoke();
    if (seen.kind === 'idle') {
      this.#takeInLeftovers();
      return;
    }
    this.#takeIn();
    this.#endAsked = state.status === 'stopping';
    const policy = seen.kind === 'rebooted' ? NO_RESTART : this.#record.definition.restart;
    await this.#conclude(recoveredOutcome(state, seen), policy);
  }

  /** Starts the machine; resolves when its guest has reported in, or has ended again after that. */
  async start(signal: AbortSignal): Promise<void> {
    await this.#settled();
    if (!this.#run) {
      this.#cancelRestart();
      const { attempt: _, ...record } = this.#record;
      this.#record = { ...record, stoppedByUser: false };
      await this.#begin();
    }
    const { run } = this.#record;
    await this.until((state) => state.status !== 'starting' || state.run !== run, signal);
    const { state } = this;
    if (state.status === 'failed') throw new ActionFailure(state.reason, state.hint);
    if ((state.status !== 'exited' && state.status !== 'restarting') || this.#readyRun >= run) return;
    throw new ActionFailure(
      `machine ${this.#record.machine} ended before its command started: ${state.exit.reason ?? exitText(state.exit)}`,
      `Its console: krun logs ${this.#record.machine}`,
    );
  }

  /** Ends the machine: asks its guest, and kills what is left after the grace period. */
  async stop(options: {
    timeoutMs?: number | undefined;
    byUser: boolean;
    signal: AbortSignal;
  }): Promise<void> {
    await this.#beginning;
    const run = this.#run;
    if (!run) {
      await this.#closing;
      await this.#endWithoutProcess(options.byUser);
      return;
    }
    this.#endAsked = true;
    const stoppedByUser = options.byUser || this.#record.stoppedByUser;
    const since = this.state.status === 'stopping' ? this.state.since : now();
    await this.#set({ stoppedByUser, state: { status: 'stopping', run: run.run, since } });
    const graceMs = options.timeoutMs ?? this.#record.definition.stopGracePeriodMs;
    const timer = setTimeout(() => run.kill(), graceMs);
    try {
      // Nobody listens yet, or not any more: there is no guest that could be asked.
      if (!(await this.#askToStop())) run.kill();
      await this.until((state) => !isActive(state), options.signal);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Sends a signal: SIGKILL to the machine process, any other to the guest's command. */
  async kill(signalName: string, signal: AbortSignal): Promise<void> {
    await this.#beginning;
    const { machine, definition } = this.#record;
    const ends = ENDING_SIGNALS.has(signalName) || signalName === definition.stopSignal;
    const run = this.#run;
    if (!run) {
      await this.#closing;
      if (ends) await this.#endWithoutProcess(true);
      return;
    }
    if (ends) {
      // Recorded first: whoever finds the machine ended must know that this was wanted.
      this.#endAsked = true;
      await this.#set({ stoppedByUser: true });
    }
    if (signalName === 'SIGKILL') {
      run.kill();
      await this.until((state) => !isActive(state), signal);
    } else if (!(await this.#askToStop(signalName))) {
      throw new ActionFailure(
        `${signalName} did not reach the guest of machine ${machine}`,
        `SIGKILL always works: krun kill ${machine}`,
      );
    }
  }

  /** Replaces the definition of a machine that goes on as it is. */
  async update(definition: Machine, hash: string): Promise<void> {
    this.#ingest.configure(definition.logs);
    await this.#set({ definition, hash });
  }

  /** Ends what is left of the machine and deletes its files; its log stays for the machine that takes its place. */
  async remove(options: { readonly keepLog: boolean }): Promise<void> {
    this.#endAsked = true;
    this.#cancelRestart();
    await this.#beginning;
    await rm(this.#files.intentFile, { force: true });
    this.#run?.kill();
    await this.#closing;
    await this.#revoke();
    await this.#writes;
    this.#takeInLeftovers();
    await removeMachineFiles(this.#files, options);
  }

  /** Resolves as soon as the state is as wanted. */
  until(wanted: (state: MachineState) => boolean, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        if (!signal.aborted && !wanted(this.state)) return;
        this.#listeners.delete(check);
        signal.removeEventListener('abort', check);
        if (wanted(this.state)) resolve();
        else reject(signal.reason);
      };
      this.#listeners.add(check);
      signal.addEventListener('abort', check);
      check();
    });
  }

  /** Lets go of the machine, which runs on: the supervisor ends. */
  async leave(): Promise<void> {
    clearTimeout(this.#restart);
    await this.#beginning;
    this.#run?.leave();
    await this.#writes;
  }

  /** Begins a run; until it has begun, nothing else can be done to the machine. */
  async #begin(): Promise<void> {
    this.#beginning = this.#beginRun().finally(() => (this.#beginning = undefined));
    await this.#beginning;
  }

  async #beginRun(): Promise<void> {
    const run = this.#record.run + 1;
    const startedAt = new Date();
    this.#endAsked = false;
    this.#takeInLeftovers();
    await this.#set({ run, state: { status: 'starting', run, since: startedAt.toISOString() } });
    try {
      const { definition } = this.#record;
      await checkPorts(definition);
      const process = await this.#spawn(definition, run);
      this.#watch(process, startedAt.getTime());
    } catch (error) {
      const { message, hint } = describeFailure(error);
      await this.#revoke();
      // What is refused at the user's own request is the user's to mend; a restart may find it mended.
      const policy = this.#record.attempt === undefined ? NO_RESTART : this.#record.definition.restart;
      const why = hint === undefined ? { reason: message } : { reason: message, hint };
      await this.#conclude({ kind: 'failed', ...why }, policy);
    }
  }

  async #spawn(definition: Machine, run: number): Promise<MachineProcess> {
    const files = this.#files;
    const spec = machineSpec(this.#context.layout, this.#context.projectName(), definition, run);
    await Promise.all([rm(files.identityFile, { force: true }), rm(files.controlSocket, { force: true })]);
    await writeJson(files.specFile, spec, { durable: false });
    await writeJson(files.intentFile, { run }, { durable: false });
    return spawnMachineProcess({
      program: this.#context.program,
      specFile: files.specFile,
      consoleFile: rawFile(files, run, 'console'),
      environment: this.#context.environment,
    });
  }

  #watch(process: MachineProcess, startedAtMs: number): void {
    const { run, definition } = this.#record;
    this.#run = new MachineRun({
      layout: this.#files,
      definition,
      run,
      process,
      ingest: this.#ingest,
      startedAtMs,
      onReady: () => this.#ready(run),
      warn: (message) => this.#warn(message),
    });
    this.#closing = this.#run.ended
      .then((outcome) => this.#conclude(outcome))
      .catch((error: unknown) => {
        this.#warn(describeFailure(error).message);
      })
      .finally(() => {
        this.#closing = undefined;
        this.#notify();
      });
  }

  #ready(run: number): void {
    this.#readyRun = run;
    if (this.state.status !== 'starting') return;
    void this.#set({ state: { status: 'running', run, since: now() } });
  }

  /** Records how a run ended and what becomes of the machine. */
  async #conclude(
    outcome: RunOutcome,
    policy: RestartPolicy = this.#record.definition.restart,
  ): Promise<void> {
    const { run, attempt, definition } = this.#record;
    const exit: Exit = outcome.kind === 'exited' ? outcome.exit : { code: null, reason: outcome.reason };
    this.#run = undefined;
    const decision = afterExit(policy, exit, {
      attempt: attempt ?? 0,
      ranMs: Date.now() - sinceMs(this.state),
      stoppedByUser: this.#endAsked || this.#record.stoppedByUser,
      kind: definition.kind,
    });
    const since = now();
    await this.#removeRunFiles();
    if (decision.next === 'restart') {
      const nextAt = new Date(Date.now() + decision.delayMs).toISOString();
      const next = decision.attempt;
      await this.#set({ state: { status: 'restarting', run, since, exit, attempt: next, nextAt } });
      this.#scheduleRestart();
    } else if (outcome.kind === 'exited' || this.#endAsked) {
      await this.#set({ state: { status: 'exited', run, since, exit } });
    } else {
      const { kind: _, ...why } = outcome;
      await this.#set({ state: { status: 'failed', run, since, ...why } });
    }
    // The record says by now what the raw files did.
    this.#takeInLeftovers();
  }

  /** A restart that is due: after the state says so, and again after the supervisor was replaced. */
  #scheduleRestart(): void {
    const { state } = this;
    if (state.status !== 'restarting') return;
    const delayMs = Math.max(0, Date.parse(state.nextAt) - Date.now());
    clearTimeout(this.#restart);
    this.#restart = setTimeout(() => {
      this.#restart = undefined;
      if (this.state !== state) return;
      this.#record = { ...this.#record, attempt: state.attempt, restarts: this.#record.restarts + 1 };
      this.#begin().catch((error: unknown) => this.#warn(describeFailure(error).message));
    }, delayMs);
  }

  #cancelRestart(): void {
    clearTimeout(this.#restart);
    this.#restart = undefined;
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
    this.#cancelRestart();
    const { state } = this;
    const stoppedByUser = byUser || this.#record.stoppedByUser;
    if (state.status !== 'restarting') return this.#set({ stoppedByUser });
    const { run, exit, since } = state;
    await this.#set({ stoppedByUser, state: { status: 'exited', run, since, exit } });
  }

  /** Sends the machine's stop signal, or another one, to the guest's command; false when nobody is there to do it. */
  async #askToStop(signal?: string): Promise<boolean> {
    const body = signal === undefined ? { state: 'Stop' } : { state: 'Stop', signal };
    const answer = await postControl(this.#files.controlSocket, '/vm/state', body);
    return answer !== undefined && answer.status < 300;
  }

  /** Takes the right to live from every run of the machine, and ends the process that the identity names. */
  async #revoke(): Promise<void> {
    await rm(this.#files.intentFile, { force: true });
    const identity: ProcessIdentity | undefined = await readIdentity(this.#files);
    if (!identity) return;
    killIdentified(identity);
    await untilGone(identity);
  }

  /** What only the process itself needed; the spec holds the guest's environment. */
  async #removeRunFiles(): Promise<void> {
    const { intentFile, specFile, controlSocket } = this.#files;
    await Promise.all([intentFile, specFile, controlSocket].map((file) => rm(file, { force: true })));
  }

  /** Takes in what is left of runs that are over, and deletes their raw files. */
  #takeInLeftovers(): void {
    if (!this.#takeIn()) return;
    for (const run of this.#endedRuns()) this.#ingest.discard(run);
  }

  /** Takes in what is left of runs that are over; false where that failed and has to be tried again. */
  #takeIn(): boolean {
    try {
      for (const run of this.#ingest.leftRuns()) {
        if (run >= this.#ingest.lastRun && run !== this.#run?.run) this.#ingest.finish(run);
      }
      return true;
    } catch (error) {
      this.#warn(`cannot write the log: ${String(error)}`);
      return false;
    }
  }

  #endedRuns(): readonly number[] {
    return this.#ingest.leftRuns().filter((run) => run !== this.#run?.run);
  }

  /** Changes the record at once, and then on disk, in order; listeners and the event come after the disk. */
  async #set(change: Partial<MachineRecord>): Promise<void> {
    const record = { ...this.#record, ...change };
    this.#record = record;
    const write = this.#writes.then(() => writeMachineRecord(this.#context.layout, record));
    this.#writes = write.catch((error: unknown) => {
      this.#warn(describeFailure(error).message);
    });
    await this.#writes;
    if (change.state) this.#context.changed(record.machine, change.state);
    this.#notify();
  }

  #warn(message: string): void {
    this.#context.warn(`machine ${this.#record.machine}: ${message}`);
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }
}

function newRecord(definition: Machine, hash: string): MachineRecord {
  return {
    schemaVersion: 1,
    machine: definition.name,
    createdAt: now(),
    hash,
    definition,
    state: { status: 'created' },
    run: 0,
    restarts: 0,
    stoppedByUser: false,
  };
}

function recoveredOutcome(state: MachineState, seen: Sighting): RunOutcome {
  if (state.status === 'restarting') return { kind: 'exited', exit: state.exit };
  if (seen.kind === 'over' || seen.kind === 'rebooted') return seen.outcome;
  return { kind: 'failed', reason: 'its start was interrupted: the supervisor was killed' };
}

function now(): string {
  return new Date().toISOString();
}

function sinceMs(state: MachineState): number {
  return state.status === 'created' ? Date.now() : Date.parse(state.since);
}

import type { Diagnostic } from '../base/diagnostic.ts';
import { own } from '../base/record.ts';
import type { Result } from '../base/result.ts';
import type { HypervisorNode } from '../host/hypervisor-node.ts';
import type { Plan } from '../plan/action.ts';
import { type Event, type EventBody, toldNodes } from '../plan/event.ts';
import { planRequest } from '../plan/reconcile.ts';
import type { Request, UpRequest } from '../plan/request.ts';
import { EventLog } from '../store/event-log.ts';
import type { Layout } from '../store/layout.ts';
import { addToIndex, removeFromIndex } from '../store/project-index.ts';
import { writeProjectRecord } from '../store/record-files.ts';
import { STATE_SCHEMA_VERSION, type MachineRecord } from '../store/records.ts';
import { runAction } from './actions/run-action.ts';
import { machineEnvironment } from './environment.ts';
import { executePlan } from './execute.ts';
import { describeFailure } from './failure.ts';
import { GrantContents } from './grant-contents.ts';
import { Machines } from './machines.ts';
import { NoticeOfShares } from './notice-of-shares.ts';
import { observedOf } from './observe.ts';
import { RequestQueue, type Job } from './request-queue.ts';

export interface SupervisorOptions {
  readonly layout: Layout;
  readonly nameOverride?: string;
  /** Name of the project until a request says it. */
  readonly projectName: string;
  /** The node that may make virtual machines, and the script of a machine process. */
  readonly machineNode: HypervisorNode;
  readonly machineScript: string;
  /** Node, and the script of a network process. */
  readonly networkProgram: readonly [node: string, script: string];
  readonly environment: NodeJS.ProcessEnv;
  /** The user's umask, for what builds make; krun's own files are for the user alone. */
  readonly userMask: number;
  readonly warn: (message: string) => void;
  /** Something happened after which there may be nothing left to look after. */
  readonly settled: () => void;
}

/** Looks after the machines of one project: plans and executes requests, one after the other, and tells what happens. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #machines: Machines;
  readonly #queue: RequestQueue;
  readonly #eventLog: EventLog;
  readonly #grants: GrantContents;
  readonly #shares: NoticeOfShares;
  readonly #listeners: Set<(event: Event) => void> = new Set();
  #projectName: string;
  #hasRecovered = false;
  #current: Job | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#projectName = options.projectName;
    this.#eventLog = new EventLog(options.layout.eventsFile);
    this.#queue = new RequestQueue((job) => this.#perform(job));
    this.#grants = new GrantContents(options.layout.grantsFile);
    this.#shares = new NoticeOfShares(options.layout, options.warn);
    this.#machines = new Machines({
      grants: this.#grants,
      layout: options.layout,
      projectName: () => this.#projectName,
      node: options.machineNode,
      script: options.machineScript,
      networkProgram: options.networkProgram,
      networkChanged: (network, status) => this.#emit({ type: 'network', network, status }),
      environment: machineEnvironment(options.environment),
      warn: options.warn,
      changed: (machine, state) => {
        this.#emit({ type: 'state', machine, state });
        if (state.status === 'exited') this.#removeIfDone(machine);
        this.#shares.update(this.machines());
        options.settled();
      },
      settled: options.settled,
    });
  }

  /** Takes over what earlier supervisors of the project left. */
  async recover(): Promise<Result<void, Diagnostic>> {
    const recovered = await this.#machines.recover();
    this.#hasRecovered = true;
    this.#shares.update(this.machines());
    for (const { machine, state } of this.machines())
      if (state.status === 'exited') this.#removeIfDone(machine);
    return recovered;
  }

  /** Does a request in its turn; `listener` gets its events, up to `done`. */
  async request(request: Request, listener: (event: Event) => void): Promise<void> {
    await this.#queue.submit(request, (body) => listener(this.#event(body)));
    this.#options.settled();
  }

  machines(): readonly MachineRecord[] {
    return Object.values(this.#machines.records());
  }

  /** Calls back with everything that happens; returns the function that ends that. */
  listen(listener: (event: Event) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Whether the project has no machines at all. */
  get isEmpty(): boolean {
    return this.#machines.isEmpty;
  }

  /** Whether something is left to look after. */
  get isBusy(): boolean {
    return !this.#queue.isEmpty || this.#machines.areBusy;
  }

  /** Ends the supervision and leaves the machines running. Requests are finished first, or given up for the reason. */
  async leave(interrupt?: string): Promise<void> {
    if (interrupt !== undefined) this.#queue.interrupt(interrupt);
    await this.#queue.idle();
    this.#shares.update([]);
    await this.#machines.leave();
  }

  /** Kills every machine at once, and records nothing. */
  kill(): void {
    this.#machines.kill();
  }

  async #perform(job: Job): Promise<void> {
    this.#current = job;
    let ok = false;
    try {
      ok = await this.#planAndExecute(job);
    } catch (error) {
      const { message } = describeFailure(error);
      this.#options.warn(message);
      this.#emit({ type: 'plan', request: job.request.type, nodes: [], notes: [], errors: [message] });
    }
    try {
      await this.#machines.networksIdle();
      if (ok && job.request.type === 'down') await this.#machines.removeStrays();
      if (this.#machines.isEmpty) {
        await this.#grants.forget();
        await removeFromIndex(this.#options.layout);
      }
    } catch (error) {
      this.#options.warn(describeFailure(error).message);
    }
    this.#emit({ type: 'done', ok });
    this.#current = undefined;
  }

  async #planAndExecute(job: Job): Promise<boolean> {
    const { request, signal } = job;
    const { layout } = this.#options;
    signal.throwIfAborted();
    const up = request.type === 'up' ? request : undefined;
    const records = this.#machines.records();
    const plan = planRequest(
      request,
      await observedOf(layout, records, up && { ...up, grants: this.#grants }),
    );
    job.planned(plan);
    const refused = (plan.errors?.length ?? 0) > 0;
    const remark = request.type === 'up' && !refused ? await this.#remember(request) : undefined;
    const notes = remark === undefined ? plan.notes : [...plan.notes, remark];
    this.#emit({ type: 'plan', request: request.type, ...plan, nodes: toldNodes(plan.nodes), notes });
    if (refused) return false;
    await this.#grants.learn(up?.grantValues ?? {});
    return this.#execute(plan, signal);
  }

  /** Removes a machine of `krun run --rm` that has ended, unless somebody does so already. */
  #removeIfDone(machine: string): void {
    const isDone = (): boolean => {
      const record = own(this.#machines.records(), machine);
      return record?.definition.oneOff?.removed === true && record.state.status === 'exited';
    };
    if (!this.#hasRecovered || !isDone()) return;
    void this.#queue.idle().then(async () => {
      if (isDone()) await this.request({ type: 'rm', machines: [machine], stop: false }, () => undefined);
    });
  }

  #execute(plan: Plan, signal: AbortSignal): Promise<boolean> {
    const created = new Set(
      plan.nodes.flatMap(({ action }) => (action.type === 'create' ? [action.machine] : [])),
    );
    const emit = (event: EventBody): void => this.#emit(event);
    const context = {
      layout: this.#options.layout,
      userMask: this.#options.userMask,
      machines: this.#machines,
      signal,
      emit,
      isRecreated: (machine: string) => created.has(machine),
    };
    return executePlan(plan, { emit, signal, run: ({ action }) => runAction(action, context) });
  }

  /** Puts the project where `krun ls` and a command without krun.yaml find it. Returns a remark where `ls` will not. */
  async #remember({ project }: UpRequest): Promise<string | undefined> {
    const { layout, nameOverride } = this.#options;
    const { name, directory, files } = project;
    this.#projectName = name;
    await writeProjectRecord(layout, { schemaVersion: STATE_SCHEMA_VERSION, name, directory, files });
    const entry = { id: layout.id, name, directory: layout.projectDirectory, files };
    try {
      await addToIndex(layout, nameOverride === undefined ? entry : { ...entry, nameOverride });
      return undefined;
    } catch (error) {
      return `krun ls will not show this project: ${describeFailure(error).message}`;
    }
  }

  #emit(body: EventBody): void {
    const event = this.#event(body);
    // Each line of a build is in the build's own log.
    if (body.type !== 'build-output') this.#record(event);
    this.#current?.emit(body);
    for (const listener of this.#listeners) listener(event);
  }

  #record(event: Event): void {
    try {
      this.#eventLog.append(event);
    } catch (error) {
      this.#options.warn(describeFailure(error).message);
    }
  }

  #event(body: EventBody): Event {
    return { time: new Date().toISOString(), ...body };
  }
}

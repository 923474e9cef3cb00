import type { Event } from '../plan/event.ts';
import { isActive } from '../plan/machine-state.ts';
import type { Request, UpRequest } from '../plan/request.ts';
import { ChangeSignal } from '../host/change-signal.ts';
import type { Layout } from '../store/layout.ts';
import type { MachineRecord } from '../store/records.ts';
import { AttachedMenu } from './attached/attached-menu.ts';
import { AttachedWatch } from './attached/attached-watch.ts';
import { type EndWishes, endsAll } from './attached/end-rule.ts';
import { type Keyboard, openKeyboard } from './attached/keyboard.ts';
import { type AttachedOutput, type LogChoice, openAttachedOutput } from './attached-output.ts';
import type { Context } from './context.ts';
import { EventCursor } from './event-follow.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { exitCodeOf } from './guest-exit.ts';
import type { LoadedProject } from './load-project.ts';
import { readWrittenRecords } from './records.ts';
import { upToDateLines } from './requests.ts';
import { machinesOfUp } from './up-machines.ts';
import { openSupervisor, type Supervisor } from './supervisor.ts';

/** How often a supervisor that was killed is replaced. */
const LOOK_AFTER_MS = 2000;

/** Options of `up` that only an attached one has. */
export interface AttachArgs extends LogChoice, EndWishes {
  /** Begins with watching. */
  readonly watch?: boolean;
  /** False: no keys, and no line that tells of them. */
  readonly menu: boolean;
}

/** What an attached `up` is about. */
export interface AttachedProject {
  readonly loaded: LoadedProject;
  /** The request for a project, now or after an edit. */
  readonly request: (loaded: Pick<LoadedProject, 'project' | 'result'>) => UpRequest;
}

/** A request, then logs and changes of state until all machines have ended or the user stops them. */
export async function attachUp(
  hostContext: Context,
  { loaded, request: requestFor }: AttachedProject,
  args: AttachArgs,
): Promise<ExitCode> {
  const { layout } = loaded;
  const request = requestFor(loaded);
  const supervisor = await openSupervisor(hostContext, layout);
  if (!supervisor.ok) return supervisor.error;
  const keyboard = args.menu ? openKeyboard(hostContext) : undefined;
  const context = keyboard?.context ?? hostContext;
  const machines = machinesOfUp(request.project, request);
  const output = await openAttachedOutput(context, layout, machines, args);
  const watch = new AttachedWatch(context, {
    loaded,
    named: request.machines,
    request: requestFor,
    choose: (project) => machinesOfUp(project, request),
    isPruning: false,
    output,
  });
  const parts = { layout, supervisor: supervisor.value, machines, output, args, request, watch, keyboard };
  const session = new AttachedUp(context, parts);
  const unlisten = context.interrupts.listen(() => session.interrupt());
  try {
    return await session.run();
  } finally {
    unlisten();
    keyboard?.close();
    await watch.close();
    await output.end();
  }
}

interface SessionParts {
  readonly layout: Layout;
  readonly supervisor: Supervisor;
  readonly machines: readonly string[];
  readonly output: AttachedOutput;
  readonly args: AttachArgs;
  readonly request: UpRequest;
  readonly watch: AttachedWatch;
  readonly keyboard: Keyboard | undefined;
}

/**
 *     requesting --> following --> ended
 *         |              |
 *         `--------------+--> stopping --> ended
 *                                 |
 *                                 `--> killing --> ended
 */
type Phase =
  | { readonly name: 'requesting' }
  | { readonly name: 'following' }
  | { readonly name: 'stopping'; readonly cause: StopCause }
  | { readonly name: 'killing' }
  | { readonly name: 'ended'; readonly code: ExitCode };

/** Who wanted the stop: the user, or the end of a machine under `--abort-on-exit` and its relatives. */
type StopCause = { readonly by: 'user' } | { readonly by: 'end'; readonly machine: string };

class AttachedUp {
  readonly #context: Context;
  readonly #parts: SessionParts;
  readonly #changes = new ChangeSignal();
  readonly #events: EventCursor;
  #phase: Phase = { name: 'requesting' };
  #lookedAfterAt = 0;
  #waitedForLast = false;
  /** Ends that have been told, as `machine run`. */
  readonly #told: Set<string> = new Set();
  readonly #begin: string;
  readonly #menu: AttachedMenu;

  constructor(context: Context, parts: SessionParts) {
    this.#context = context;
    this.#parts = parts;
    this.#events = new EventCursor(parts.layout.eventsFile);
    this.#events.skipToEnd();
    this.#begin = new Date(context.now()).toISOString();
    this.#menu = new AttachedMenu(
      context,
      { ...parts, wishes: parts.args },
      {
        interrupt: () => this.interrupt(),
        detach: () => this.#end(EXIT.ok),
        fail: (error) => this.#fail(error),
        changed: () => this.#changes.notify(),
      },
    );
  }

  async run(): Promise<ExitCode> {
    const never = new AbortController().signal;
    this.#pursue(this.#parts.request, (ok) => this.#requestDone(ok));
    this.#menu.listen();
    if (this.#parts.args.watch) this.#menu.toggleWatch();
    try {
      for (;;) {
        // Every change of state is appended to the events.
        this.#changes.watchOnly([this.#parts.layout.stateDirectory]);
        for (const event of this.#events.appended()) this.#onEvent(event);
        if (this.#phase.name === 'following') await this.#endWhenAllEnded();
        const phase = this.#current();
        if (phase.name === 'ended') return phase.code;
        await this.#changes.next(never);
      }
    } finally {
      this.#changes.close();
      this.#events.close();
      this.#parts.supervisor.leave();
    }
  }

  /** Ctrl-C: the first stops, the second kills, the third leaves. */
  interrupt(): void {
    switch (this.#phase.name) {
      case 'requesting':
      case 'following':
        this.#parts.output.tell('stopping (Ctrl-C again kills)');
        this.#stop({ by: 'user' });
        break;
      case 'stopping':
        this.#parts.output.tell('killing');
        this.#phase = { name: 'killing' };
        void this.#present().then((machines) =>
          this.#pursueOrEnd(machines, { type: 'kill', machines, signal: 'SIGKILL' }, EXIT.interrupted),
        );
        break;
      case 'killing':
        this.#end(EXIT.interrupted);
        break;
      case 'ended':
        break;
    }
  }

  /** The phase after calls that may have changed it. */
  #current(): Phase {
    return this.#phase;
  }

  #requestDone(ok: boolean): void {
    if (this.#phase.name !== 'requesting') return;
    if (ok) this.#phase = { name: 'following' };
    else this.#end(EXIT.failure);
    this.#changes.notify();
  }

  #stop(cause: StopCause): void {
    this.#phase = { name: 'stopping', cause };
    const { watch } = this.#parts;
    void watch.close().then(() => this.#parts.keyboard?.refresh());
    void this.#present().then((machines) => {
      if (machines.length === 0) return this.#stopDone(cause, true);
      return this.#pursue({ type: 'stop', machines }, (ok) => void this.#stopDone(cause, ok));
    });
  }

  async #stopDone(cause: StopCause, ok: boolean): Promise<void> {
    if (this.#phase.name !== 'stopping') return;
    if (!ok) this.#end(EXIT.failure);
    else if (cause.by === 'user') this.#end(EXIT.ok);
    else this.#end(await this.#codeOf(this.#parts.args.exitCodeFrom ?? cause.machine));
  }

  #pursueOrEnd(machines: readonly string[], request: Request, code: ExitCode): void {
    if (machines.length === 0) this.#end(code);
    else this.#pursue(request, () => this.#end(code));
  }

  /** Sends a request, shows it, and calls back at its end; false when it failed or the supervisor was lost. */
  #pursue(request: Request, done: (ok: boolean) => void): void {
    const { supervisor, output, machines } = this.#parts;
    const consume = async (): Promise<boolean> => {
      let ok = false;
      for await (const event of supervisor.send(request)) {
        // Changes of state come from the events, also those of other commands.
        if (event.type !== 'state') output.progress(event);
        if (event.type === 'plan' && request.type === 'up') {
          for (const line of upToDateLines(machines, event)) output.tell(line);
        }
        if (event.type === 'done') ok = event.ok;
      }
      return ok;
    };
    const finish = async (): Promise<void> => done(await consume());
    finish().catch((error: unknown) => this.#fail(error));
  }

  #fail(error: unknown): void {
    this.#parts.output.tell(`krun: ${error instanceof Error ? error.message : String(error)}`);
    this.#end(EXIT.failure);
  }

  #end(code: ExitCode): void {
    this.#phase = { name: 'ended', code };
    this.#changes.notify();
  }

  #onEvent(event: Event): void {
    if (event.type !== 'state' || !this.#parts.machines.includes(event.machine)) return;
    const { machine, state } = event;
    this.#parts.output.change(event);
    if (state.status !== 'exited' && state.status !== 'failed' && state.status !== 'restarting') return;
    this.#told.add(`${machine} ${state.run}`);
    const mayAbort = this.#phase.name === 'requesting' || this.#phase.name === 'following';
    const { args, request } = this.#parts;
    const isTask = request.project.machines[machine]?.kind === 'task';
    if (!mayAbort || this.#menu.isRestarting(machine) || !endsAll(args, { name: machine, isTask }, state))
      return;
    this.#parts.output.tell(`stopping all machines, because ${machine} has ended`);
    this.#stop({ by: 'end', machine });
  }

  async #endWhenAllEnded(): Promise<void> {
    const now = this.#context.now();
    const wake = now - this.#lookedAfterAt >= LOOK_AFTER_MS;
    if (wake) this.#lookedAfterAt = now;
    const records = await this.#records({ wake });
    if (this.#current().name !== 'following' || records.some((record) => isActive(record.state))) return;
    if (this.#menu.mayRestart) return;
    for (const event of this.#events.appended()) this.#onEvent(event);
    if (this.#current().name !== 'following') return;
    // The event follows the record; a supervisor that is killed between them never tells it.
    if (!this.#waitedForLast && records.some((record) => this.#isUntold(record))) {
      this.#waitedForLast = true;
      return;
    }
    const { exitCodeFrom } = this.#parts.args;
    this.#end(exitCodeFrom === undefined ? EXIT.ok : await this.#codeOf(exitCodeFrom));
  }

  #isUntold({ machine, state }: MachineRecord): boolean {
    return (
      state.status !== 'created' && state.since >= this.#begin && !this.#told.has(`${machine} ${state.run}`)
    );
  }

  async #codeOf(machine: string): Promise<ExitCode> {
    const records = await this.#records({ wake: false });
    const record = records.find((candidate) => candidate.machine === machine);
    return exitCodeOf(record?.state);
  }

  async #present(): Promise<readonly string[]> {
    return (await this.#records({ wake: false })).map((record) => record.machine);
  }

  async #records(options: { readonly wake: boolean }): Promise<readonly MachineRecord[]> {
    const records = await readWrittenRecords(this.#context, this.#parts.layout, options);
    if (!records.ok) {
      this.#end(EXIT.failure);
      return [];
    }
    return records.value.filter((record) => this.#parts.machines.includes(record.machine));
  }
}

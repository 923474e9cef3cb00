import { statfsSync } from 'node:fs';
import { errnoOf } from '../host/errno.ts';
import { keepTail, tailOf } from '../host/file-tail.ts';
import { watchPath, type PathWatch } from '../host/watch.ts';
import {
  hangOutcome,
  parseStatus,
  readStatus,
  runOutcome,
  selfHangOutcome,
  type RunOutcome,
} from '../machine/outcome.ts';
import type { Machine } from '../project/project.ts';
import { rawFile, type MachineLayout } from '../store/layout.ts';
import { isRawFile, type LogIngest } from '../store/log-ingest.ts';
import type { LogLine } from '../store/records.ts';
import type { RunProcess, ProcessEnd } from './run-process.ts';
import { guestOf, hasReportedIn } from './guest.ts';

/** Where the system gives notifications, the poll only mends what they miss. */
const WATCHED_POLL_MS = 5000;
const UNWATCHED_POLL_MS = 1000;
/** Output between two looks at the files, so that a chatty machine is read in slices and not line by line. */
const SETTLE_MS = 20;
/** A process that panicked may still end by itself, with an exit code that says more. */
const HANG_GRACE_MS = 1000;

export interface RunOptions {
  readonly layout: MachineLayout;
  readonly definition: Machine;
  readonly run: number;
  readonly process: RunProcess;
  readonly ingest: LogIngest;
  /** When the run began, in milliseconds since the epoch: an adopted machine has used up part of its deadline. */
  readonly startedAtMs: number;
  /** The guest has reported in. Called at most once, and never after the end. */
  readonly onReady: () => void;
  /** Called with all that the machine says. */
  readonly onLines: (lines: readonly LogLine[]) => void;
  /** Something about the machine that only the supervisor's log is interested in. */
  readonly warn: (message: string) => void;
}

/**
 * Watches one run of one machine, from the moment that there is a process until nothing of it is left to read: takes in
 * its output, sees the guest report in, kills it when it does not, or when the log shows that it hangs.
 */
export class MachineRun {
  readonly run: number;
  /** Resolves after the last line of output has been taken in. Never rejects. */
  readonly ended: Promise<RunOutcome>;
  readonly #options: RunOptions;
  readonly #watch: PathWatch;
  readonly #bootsItself: boolean;
  #poll: NodeJS.Timeout | undefined;
  #settle: NodeJS.Timeout | undefined;
  #next: NodeJS.Immediate | undefined;
  #deadline: NodeJS.Timeout | undefined;
  #hang: NodeJS.Timeout | undefined;
  #grace: NodeJS.Timeout | undefined;
  #ready = false;
  #over = false;
  #console = '';
  /** What a guest says that boots by itself: the only sign of how it is. */
  #output = '';
  /** Why we killed it, where that is the machine's own fault. */
  #fault: RunOutcome | undefined;
  /** Whether the fault counts whatever the guest says of its end. */
  #isFaultFinal = false;
  /** Why it was killed, where it did not end as it was asked to. */
  #overdue: string | undefined;
  #warned = false;

  constructor(options: RunOptions) {
    this.#options = options;
    this.run = options.run;
    this.#watch = watchPath(options.layout.directory, (name) => {
      if (name === undefined || isRawFile(name)) this.#changed();
    });
    // What is in the console already is not a new line any more, but may say that the machine hangs.
    this.#console = tailOf(rawFile(options.layout, options.run, 'console'));
    this.#bootsItself = guestOf(options.definition).guest === 'self';
    if (this.#bootsItself) this.#output = tailOf(rawFile(options.layout, options.run, 'stdout'));
    this.#armDeadline();
    this.ended = options.process.ended.then((end) => this.#finish(end));
    this.#look();
  }

  get isReady(): boolean {
    return this.#ready;
  }

  /** Ends the machine process at once; `ended` tells when it is gone. */
  kill(): void {
    this.#options.process.kill();
  }

  /** Ends the machine process at once, for something that is not the guest's doing. */
  fail(reason: string): void {
    this.#killFor({ kind: 'failed', reason });
  }

  /** The machine is about to be ended for its own fault, whatever its guest will say of the end. */
  blame(reason: string): void {
    this.#fault = { kind: 'failed', reason };
    this.#isFaultFinal = true;
  }

  /** Ends the machine process at once, because it does not end as it was asked to. */
  killOverdue(reason: string): void {
    this.#overdue ??= reason;
    this.kill();
  }

  /** Why the machine was killed instead of ending by itself. */
  get overdue(): string | undefined {
    return this.#overdue;
  }

  /** Asks the guest to end, without the control socket. */
  terminate(): void {
    this.#options.process.terminate();
  }

  /** Ends the machine process at that time, in milliseconds since the epoch, unless it has ended by then. */
  killAt(timeMs: number, reason: string): void {
    if (this.#over) return;
    clearTimeout(this.#grace);
    this.#grace = setTimeout(() => this.killOverdue(reason), Math.max(0, timeMs - Date.now()));
  }

  /** Stops watching and leaves the machine running; what it has written so far is taken in. */
  leave(): void {
    this.#look();
    this.#over = true;
    this.#stopWatching();
  }

  #changed(): void {
    if (this.#over) return;
    this.#settle ??= setTimeout(() => this.#look(), SETTLE_MS);
  }

  #look(): void {
    clearTimeout(this.#settle);
    clearImmediate(this.#next);
    this.#settle = undefined;
    if (this.#over) return;
    const more = this.#takeIn();
    this.#checkReady();
    this.#checkHang();
    clearTimeout(this.#poll);
    this.#poll = setTimeout(() => this.#look(), this.#watch.active ? WATCHED_POLL_MS : UNWATCHED_POLL_MS);
    // Not a timer: those take a millisecond, which is many slices.
    if (more) this.#next = setImmediate(() => this.#look());
  }

  #takeIn(): boolean {
    try {
      const { lines, more } = this.#options.ingest.take(this.run);
      this.#remember(lines);
      this.#options.onLines(lines);
      this.#warned = false;
      return more;
    } catch (error) {
      this.#warnOnce('cannot write the log', error);
      return false;
    }
  }

  #remember(lines: readonly LogLine[]): void {
    const text = (stream: LogLine['s']): string =>
      lines
        .filter(({ s }) => s === stream)
        .map(({ l, p }) => (p ? l : `${l}\n`))
        .join('');
    this.#console = keepTail(this.#console + text('console'));
    if (this.#bootsItself) this.#output = keepTail(this.#output + text('stdout'));
  }

  #checkReady(): void {
    if (this.#ready) return;
    let status: string;
    try {
      status = readStatus(rawFile(this.#options.layout, this.run, 'status'));
    } catch (error) {
      this.#warnOnce("cannot read the guest's status", error);
      return;
    }
    if (!hasReportedIn(this.#options.definition, parseStatus(status))) return;
    this.#ready = true;
    clearTimeout(this.#deadline);
    this.#options.onReady();
  }

  #checkHang(): void {
    if (this.#hang || this.#fault) return;
    const found = hangOutcome(this.#console) ?? this.#selfHang();
    if (found === undefined) return;
    this.#hang = setTimeout(() => this.#killFor(found), HANG_GRACE_MS);
  }

  #selfHang(): RunOutcome | undefined {
    if (!this.#bootsItself) return undefined;
    return selfHangOutcome(this.#output) ?? selfHangOutcome(this.#console);
  }

  #armDeadline(): void {
    const { bootTimeoutMs } = this.#options.definition;
    const left = Math.max(0, this.#options.startedAtMs + bootTimeoutMs - Date.now());
    this.#deadline = setTimeout(() => {
      // It may have reported in just now.
      this.#look();
      if (this.#ready) return;
      this.#killFor({
        kind: 'failed',
        reason: `the guest did not report in within ${bootTimeoutMs / 1000} s`,
        hint: bootHint(this.#console, this.#options.layout.directory),
      });
    }, left);
  }

  #killFor(fault: RunOutcome): void {
    if (this.#over || this.#fault) return;
    this.#fault = fault;
    this.kill();
  }

  #finish(end: ProcessEnd): RunOutcome {
    // A guest that was quick is seen first as ready and then as ended, like any other.
    if (!this.#over) this.#checkReady();
    this.#over = true;
    this.#stopWatching();
    try {
      const rest = this.#options.ingest.finish(this.run);
      this.#remember(rest);
      this.#options.onLines(rest);
    } catch (error) {
      this.#warnOnce('cannot write the log', error);
    }
    const found = this.#readOutcome(end);
    const isTold = found.kind === 'exited' && found.exit.code !== null;
    if (this.#fault && (this.#isFaultFinal || !isTold)) return this.#fault;
    if (isTold || found.kind !== 'exited' || this.#overdue === undefined) return found;
    return { kind: 'exited', exit: { ...found.exit, reason: this.#overdue } };
  }

  #readOutcome(end: ProcessEnd): RunOutcome {
    const { layout, definition } = this.#options;
    try {
      const status = readStatus(rawFile(layout, this.run, 'status'));
      const console = tailOf(rawFile(layout, this.run, 'console'));
      return runOutcome({ status, console, ...end, ...guestOf(definition), output: this.#output });
    } catch (error) {
      this.#warnOnce('cannot read how the guest ended', error);
      return {
        kind: 'exited',
        exit: { code: null, reason: `what it left cannot be read: ${String(error)}` },
      };
    }
  }

  #stopWatching(): void {
    clearImmediate(this.#next);
    this.#watch.close();
    for (const timer of [this.#poll, this.#settle, this.#deadline, this.#hang, this.#grace])
      clearTimeout(timer);
  }

  /** A full disk keeps the output in the raw files, from where it is taken in when there is room again. */
  #warnOnce(what: string, error: unknown): void {
    if (errnoOf(error) === undefined) throw error;
    if (!this.#warned) this.#options.warn(`${what}: ${String(error)}`);
    this.#warned = true;
  }
}

/** On a full disk the guest's report cannot be written; else the last thing that the console said is the best hint. */
function bootHint(console: string, directory: string): string {
  if (statfsSync(directory).bavail === 0) return `the disk that holds ${directory} is full; free some space`;
  const last = console.trimEnd().split('\n').at(-1);
  return last ? `the last line of its console: ${last}` : 'its console is empty; try log_level: debug';
}

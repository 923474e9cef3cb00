import type { Result } from '../base/result.ts';
import type { Machine } from '../project/project.ts';
import { isSyncing } from '../project/watch-rules.ts';
import type { Change } from './changes.ts';
import { decideSteps, type Finding, type Step } from './decide.ts';
import { dueAt, gather, type Gathering } from './gathering.ts';
import { GuestWork, type Trouble } from './guest-work.ts';
import type { WatchReport } from './report.ts';
import { RuleWatch } from './rule-watch.ts';

/** What a machine is doing, as far as its rules need it. */
export interface MachineSight {
  /** The run whose guest can be talked to. */
  readonly run?: number;
  /** Whether somebody has stopped it, so that no edit starts it again. */
  readonly isStoppedByUser: boolean;
}

export interface MachineWatchOptions {
  readonly machine: Machine;
  readonly controlSocket: string;
  /** Where paths in messages start from. */
  readonly directory: string;
  /** Takes away what the host has not, when trees are compared. */
  readonly isPruning: boolean;
  readonly report: (report: WatchReport) => void;
  /** Has the supervisor start the machine again, or build it again first. */
  readonly again: (how: 'restart' | 'rebuild', machine: string) => Promise<Result<void, Trouble>>;
}

/** What a cycle has found out and done so far. */
interface Cycle {
  readonly findings: readonly Finding[];
  /** Rules whose comparison showed a difference, so that what follows it is worth while. */
  readonly differing: Map<number, readonly Change[]>;
  /** Rules of which a step failed: what would follow it is not done. */
  readonly failed: Set<number>;
}

/** The rules of one machine: one cycle at a time, and what happens during a cycle makes the next. */
export class MachineWatch {
  /** Resolves when the files of all rules are watched. */
  readonly ready: Promise<unknown>;
  readonly #options: MachineWatchOptions;
  readonly #rules: readonly RuleWatch[];
  readonly #work: GuestWork;
  readonly #closing = new AbortController();
  #sight: MachineSight = { isStoppedByUser: true };
  #gathering: Gathering | undefined;
  #timer: NodeJS.Timeout | undefined;
  #cycle: Promise<void> | undefined;
  #hasToldWaiting = false;
  #restartedForResync = false;
  /** A new run waits for its files. */
  #isUrgent = false;

  constructor(options: MachineWatchOptions) {
    this.#options = options;
    const { machine, directory, report } = options;
    this.#work = new GuestWork(options.controlSocket, machine, this.#closing.signal);
    this.#rules = machine.watch.map(
      (rule, index) =>
        new RuleWatch({
          machine,
          rule,
          index,
          directory,
          onDoubt: () => this.#doubt(),
          onTrouble: (message, hint) =>
            report({ type: 'watch-trouble', message, ...(hint === undefined ? {} : { hint }) }),
        }),
    );
    this.ready = Promise.all(this.#rules.map((rule) => rule.ready));
  }

  /** Says what the machine does now; a new run is given all that the rules copy at the start. */
  see(sight: MachineSight): void {
    const isNewRun = sight.run !== undefined && sight.run !== this.#sight.run;
    this.#sight = sight;
    if (!isNewRun) return;
    this.#hasToldWaiting = false;
    for (const watched of this.#rules) if (watched.rule.initialSync) watched.oweWhole();
    this.#isUrgent = true;
    this.#schedule(0);
  }

  /** Ends what is being done, and watches no more. */
  async close(): Promise<void> {
    this.#closing.abort();
    clearTimeout(this.#timer);
    await Promise.all(this.#rules.map((rule) => rule.close()));
    await this.#cycle;
  }

  #doubt(): void {
    this.#gathering = gather(this.#gathering, Date.now());
    this.#schedule(dueAt(this.#gathering) - Date.now());
  }

  #schedule(delayMs: number): void {
    clearTimeout(this.#timer);
    if (this.#cycle || this.#closing.signal.aborted) return;
    this.#timer = setTimeout(
      () => {
        this.#cycle = this.#perform()
          .catch((error: unknown) => {
            // What is given up in the middle fails as it likes.
            if (!this.#closing.signal.aborted) throw error;
          })
          .finally(() => {
            this.#cycle = undefined;
            if (this.#isUrgent) this.#schedule(0);
            else if (this.#gathering) this.#schedule(dueAt(this.#gathering) - Date.now());
          });
      },
      Math.max(0, delayMs),
    );
  }

  async #perform(): Promise<void> {
    await this.ready;
    const nowMs = Date.now();
    const changedMs = this.#gathering?.firstMs ?? nowMs;
    // A new run does not wait; files that are just being written do, or one save would be two changes.
    const isQuiet = !this.#gathering || dueAt(this.#gathering) <= nowMs;
    if (isQuiet) this.#gathering = undefined;
    this.#isUrgent = false;
    const findings = this.#rules
      .map((rule) => (isQuiet ? rule.find() : rule.findOwed()))
      .filter((finding) => this.#mayGoOn(finding, changedMs));
    const cycle: Cycle = { findings, differing: new Map(), failed: new Set() };
    const steps = decideSteps(
      this.#rules.map(({ rule }) => rule),
      findings,
    );
    const possible = steps.filter((step) => this.#isPossible(step));
    for (const step of possible) if (!(await this.#take(step, cycle))) cycle.failed.add(step.rule);
    for (const { rule } of findings) this.#rules[rule]?.end(Date.now());
  }

  #mayGoOn({ rule, changes }: Finding, changedMs: number): boolean {
    const watched = this.#rules[rule];
    const file = watched?.begin(changes, changedMs);
    if (!watched || file === undefined) return true;
    this.#options.report({ type: 'watch-paused', rule: watched.name, file });
    return false;
  }

  /** A guest that is not there is given everything when it is back. */
  #isPossible(step: Step): boolean {
    if (this.#sight.run !== undefined) return true;
    const watched = this.#rules[step.rule];
    if (watched && isSyncing(watched.rule)) watched.oweWhole();
    if ((step.type === 'restart' || step.type === 'rebuild') && !this.#sight.isStoppedByUser) return true;
    if (!this.#hasToldWaiting) {
      this.#options.report({ type: 'watch-waiting', machine: this.#options.machine.name });
    }
    this.#hasToldWaiting = true;
    return false;
  }

  /** False where the rule's further steps are not to be taken. */
  async #take(step: Step, cycle: Cycle): Promise<boolean> {
    const watched = this.#rules[step.rule];
    if (!watched || this.#closing.signal.aborted) return false;
    const startedMs = performance.now();
    switch (step.type) {
      case 'sync':
      case 'resync':
        return this.#sync(watched, step, cycle);
      case 'exec': {
        const changes = reasonFor([step.rule], cycle);
        const { exec } = watched.rule;
        if (changes.length === 0 || exec === undefined) return true;
        const ran = await this.#work.execute(exec);
        return this.#report(watched, step.type, { ran, changes, startedMs });
      }
      case 'restart': {
        const changes = this.#reasonForRestart(step.rules, cycle);
        if (changes.length === 0) return true;
        return this.#again(watched, step.type, changes);
      }
      case 'rebuild':
        return this.#again(watched, step.type, reasonFor([step.rule], cycle));
    }
  }

  async #again(watched: RuleWatch, how: 'restart' | 'rebuild', changes: readonly Change[]): Promise<boolean> {
    const startedMs = performance.now();
    const ran = await this.#options.again(how, this.#options.machine.name);
    return this.#report(watched, how, { ran, changes, startedMs });
  }

  /** A comparison may start a machine again, but not the run that it has brought about. */
  #reasonForRestart(rules: readonly number[], cycle: Cycle): readonly Change[] {
    const isEdited = cycle.findings.some(({ rule, changes }) => rules.includes(rule) && changes.length > 0);
    const changes = reasonFor(rules, cycle);
    const wasForResync = this.#restartedForResync;
    this.#restartedForResync = !isEdited && !wasForResync && changes.length > 0;
    return wasForResync && !isEdited ? [] : changes;
  }

  async #sync(
    watched: RuleWatch,
    step: Extract<Step, { type: 'sync' | 'resync' }>,
    cycle: Cycle,
  ): Promise<boolean> {
    const { source } = watched;
    if (!source) return false;
    const startedMs = performance.now();
    const isWhole = step.type === 'resync';
    const synced = isWhole
      ? await this.#work.resync(source, watched.owedDeletes, this.#options.isPruning)
      : await this.#work.sync(source, step.changes);
    if (!synced.ok) {
      watched.oweWhole();
      return this.#report(watched, 'sync', { ran: synced, changes: step.changes, startedMs });
    }
    watched.settle();
    const { files, bytes, deleted, changes } = synced.value;
    if (changes.length > 0) cycle.differing.set(step.rule, changes);
    if (files + deleted === 0) return true;
    const { names } = watched.causes(step.changes.length > 0 ? step.changes : changes);
    const ms = performance.now() - startedMs;
    const { name: rule } = watched;
    this.#options.report({
      type: 'watch-step',
      rule,
      step: 'sync',
      causes: names,
      files,
      deleted,
      bytes,
      isWhole,
      ms,
    });
    return true;
  }

  /** Tells of a step; whether it succeeded. */
  #report(
    watched: RuleWatch,
    step: 'sync' | 'exec' | 'restart' | 'rebuild',
    done: {
      readonly ran: Result<unknown, Trouble>;
      readonly changes: readonly Change[];
      readonly startedMs: number;
    },
  ): boolean {
    const { ran, changes } = done;
    const ms = performance.now() - done.startedMs;
    const { name: rule } = watched;
    if (this.#closing.signal.aborted) return false;
    if (!ran.ok) {
      const { isAway, ...trouble } = ran.error;
      // The next run is given everything.
      if (!isAway) this.#options.report({ type: 'watch-failed', rule, step, ...trouble, ms });
      return false;
    }
    const { names: causes, count: files } = watched.causes(changes);
    const { exec } = watched.rule;
    this.#options.report({
      type: 'watch-step',
      rule,
      step,
      causes,
      files,
      deleted: 0,
      bytes: 0,
      isWhole: false,
      ...(step === 'exec' && exec ? { command: exec.command } : {}),
      ms,
    });
    return true;
  }
}

/** What changed for rules whose steps went well so far; nothing where a comparison found no difference. */
function reasonFor(rules: readonly number[], { findings, differing, failed }: Cycle): readonly Change[] {
  const fine = rules.filter((rule) => !failed.has(rule));
  const changes = findings.flatMap((finding) => (fine.includes(finding.rule) ? finding.changes : []));
  return changes.length > 0 ? changes : fine.flatMap((rule) => differing.get(rule) ?? []);
}

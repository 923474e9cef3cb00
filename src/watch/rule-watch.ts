import { basename, relative } from 'node:path';
import type { Machine, WatchRule } from '../project/project.ts';
import { type Change, isWithin } from './changes.ts';
import type { Finding } from './decide.ts';
import { type FileEvents, watchFiles } from './file-events.ts';
import type { SyncSource } from './guest-work.ts';
import { HostTree } from './host-tree.ts';
import { countEchoes, type LoopWatch, loopingFile } from './loop-guard.ts';
import { Matcher } from './matcher.ts';
import type { RuleName } from './report.ts';

/** How many files of a cause are named. */
const NAMED_CAUSES = 3;

export interface RuleWatchOptions {
  readonly machine: Machine;
  readonly rule: WatchRule;
  /** Place of the rule among its machine's. */
  readonly index: number;
  /** Where paths in messages start from. */
  readonly directory: string;
  readonly onDoubt: () => void;
  readonly onTrouble: (message: string, hint?: string) => void;
}

/** One rule: its files, what happened to them, and what the guest has not been given yet. */
export class RuleWatch {
  readonly rule: WatchRule;
  readonly name: RuleName;
  /** Resolves when its files are watched. */
  readonly ready: Promise<void>;
  readonly #options: RuleWatchOptions;
  readonly #matcher: Matcher;
  readonly #tree: HostTree;
  readonly #events: FileEvents;
  readonly #doubts = new Set<string>();
  /** Any of its files may have changed without an event. */
  #isAllInDoubt = false;
  /** Deleted on the host and perhaps not yet in the guest. */
  readonly #owedDeletes = new Map<string, Change>();
  #kind: Change['kind'];
  #owesWhole = false;
  #loop: LoopWatch | undefined;
  #isPaused = false;

  constructor(options: RuleWatchOptions) {
    const { rule, machine, directory } = options;
    this.#options = options;
    this.rule = rule;
    this.name = {
      machine: machine.name,
      action: rule.action,
      path: shownPath(rule.path, directory),
      ...(rule.target === undefined ? {} : { target: rule.target }),
    };
    this.#matcher = new Matcher(rule);
    // Watched first and read then: what changes meanwhile is looked at again.
    this.#events = watchFiles(rule.path, {
      ignores: (file, isDirectory) => isWithin(file, rule.path) && this.#matcher.ignores(file, isDirectory),
      onReady: () => this.#doubtAll(),
      onDoubt: (file) => this.#doubt(file),
      onTrouble: options.onTrouble,
    });
    this.#tree = new HostTree(rule.path, this.#matcher);
    this.#kind = this.#tree.kind ?? 'directory';
    this.ready = this.#events.ready;
  }

  /** Where its files come from and go to; undefined for a rule that does not sync. */
  get source(): SyncSource | undefined {
    const { target } = this.rule;
    if (target === undefined) return undefined;
    return { rule: this.rule, target, matcher: this.#matcher, tree: this.#tree, kind: this.#kind };
  }

  /** What the guest may still have although the host has not. */
  get owedDeletes(): readonly Change[] {
    return [...this.#owedDeletes.values()];
  }

  /** The next cycle compares everything. */
  oweWhole(): void {
    this.#owesWhole = true;
  }

  /** The guest has all that was found. */
  settle(): void {
    this.#owesWhole = false;
    this.#owedDeletes.clear();
  }

  /** What became of the files since the last call. */
  find(): Finding {
    const changes = this.#isAllInDoubt ? this.#tree.refreshAll() : this.#tree.refresh(this.#doubts);
    this.#doubts.clear();
    this.#isAllInDoubt = false;
    this.#kind = this.#tree.kind ?? this.#kind;
    if (this.#tree.takeNewDirectories()) this.#events.renew();
    for (const change of changes) {
      if (change.type === 'deleted') this.#owedDeletes.set(change.path, change);
      else this.#owedDeletes.delete(change.path);
    }
    return this.#isPaused ? this.findOwed() : { ...this.findOwed(), changes };
  }

  /** What the guest is to be given whatever happened since the last call of `find`. */
  findOwed(): Finding {
    return { rule: this.#options.index, changes: [], isWhole: this.#owesWhole && !this.#isPaused };
  }

  /** Notes that a cycle begins; gives the file by which the rule drives itself, and rests from then on. */
  begin(changes: readonly Change[], changedMs: number): string | undefined {
    if (!this.#mayDriveItself || changes.length === 0) return undefined;
    const files = changes.filter(({ kind }) => kind !== 'directory').map(({ path }) => path);
    this.#loop = countEchoes(this.#loop, { files, changedMs });
    const file = loopingFile(this.#loop);
    if (file === undefined) return undefined;
    this.#isPaused = true;
    return this.#below(file);
  }

  /** Notes that the cycle has ended. */
  end(nowMs: number): void {
    if (this.#loop) this.#loop = { ...this.#loop, endedMs: nowMs };
  }

  /** The first files of a cause, below the rule's path; directories where there are only such. */
  causes(changes: readonly Change[]): { readonly names: readonly string[]; readonly count: number } {
    const files = changes.filter(({ kind }) => kind !== 'directory');
    const chosen = files.length > 0 ? files : changes;
    return {
      names: chosen.slice(0, NAMED_CAUSES).map(({ path }) => this.#below(path)),
      count: chosen.length,
    };
  }

  close(): Promise<void> {
    return this.#events.close();
  }

  /** For what came between reading the tree and watching it. */
  #doubtAll(): void {
    this.#isAllInDoubt = true;
    this.#options.onDoubt();
  }

  #doubt(file: string): void {
    this.#doubts.add(file);
    this.#options.onDoubt();
  }

  /** A copy into the guest alone changes nothing on the host, unless it goes where the host sees it. */
  get #mayDriveItself(): boolean {
    const { action, target } = this.rule;
    if (action !== 'sync' || target === undefined) return true;
    return this.#options.machine.shares.some(
      (share) => share.target !== undefined && isWithin(target, share.target),
    );
  }

  #below(path: string): string {
    return path === this.rule.path ? basename(path) : relative(this.rule.path, path);
  }
}

/** From the project's directory, as one would write it there. */
export function shownPath(path: string, directory: string): string {
  if (!isWithin(path, directory)) return path;
  const inside = relative(directory, path);
  return inside === '' ? '.' : `./${inside}`;
}

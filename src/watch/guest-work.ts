import { dirname } from 'node:path';
import type { Diagnostic } from '../base/diagnostic.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { SyncReport } from '../copy/api.ts';
import { syncFiles } from '../copy/sync.ts';
import type { Machine, WatchExec, WatchRule } from '../project/project.ts';
import { openSession, type Session, type SessionRefusal } from '../session/client.ts';
import { runSession } from '../session/run-session.ts';
import type { SessionRequest } from '../session/api.ts';
import type { Change } from './changes.ts';
import { syncEntries, syncPlace, type SyncPlace } from './decide.ts';
import { compareTrees, listingScript, parseListing } from './guest-listing.ts';
import type { HostTree } from './host-tree.ts';
import { foreignNames, type Matcher } from './matcher.ts';

/** Why a step came to nothing. */
export interface Trouble {
  readonly message: string;
  readonly hint?: string;
  /** Last lines of a command's output. */
  readonly output?: readonly string[];
  /** The machine does not run (any more): no failure, what is to be done waits. */
  readonly isAway?: true;
}

/** A rule that syncs, with what it needs for that. */
export interface SyncSource {
  readonly rule: WatchRule;
  readonly target: string;
  readonly matcher: Matcher;
  readonly tree: HostTree;
  /** Kind of the rule's path when it was last there. */
  readonly kind: Change['kind'];
}

/** What a sync did, with what made it necessary. */
export interface SyncOutcome extends SyncReport {
  readonly changes: readonly Change[];
}

const LONGEST_LISTING_BYTES = 64 * 1024 * 1024;
/** Output of a failed command that is shown. */
const SHOWN_OUTPUT_LINES = 10;
const SHOWN_OUTPUT_BYTES = 16 * 1024;

/** What the rules of one machine do in its guest. */
export class GuestWork {
  readonly #controlSocket: string;
  readonly #machine: Machine;
  readonly #signal: AbortSignal;

  constructor(controlSocket: string, machine: Machine, signal: AbortSignal) {
    this.#controlSocket = controlSocket;
    this.#machine = machine;
    this.#signal = signal;
  }

  /** Gives the guest what changed. */
  async sync(source: SyncSource, changes: readonly Change[]): Promise<Result<SyncOutcome, Trouble>> {
    const place = syncPlace(source.target, source.kind);
    const entries = syncEntries(changes, source.rule.path, place);
    const sent = await this.#send(source, place, entries);
    return sent.ok ? ok({ ...sent.value, changes }) : sent;
  }

  /** Gives the guest what differs; `isPruning` takes away what the host has not, `deleted` what it had. */
  async resync(
    source: SyncSource,
    deleted: readonly Change[],
    isPruning: boolean,
  ): Promise<Result<SyncOutcome, Trouble>> {
    const place = syncPlace(source.target, source.kind);
    const listed = await this.#list(source.rule, place);
    if (!listed.ok) return listed;
    const { looks } = source.tree;
    const { path } = source.rule;
    const all = (): readonly Change[] =>
      [...looks].map(([file, { kind }]) => ({ path: file, type: 'created', kind }));
    const compared = listed.value && compareTrees(looks, listed.value, { path, place });
    const changes = compared?.changes ?? all();
    const stillGone = deleted.filter((change) => !looks.has(change.path));
    const { files, deleted: gone } = syncEntries([...changes, ...stillGone], path, place);
    const present = gone.filter((name) => !listed.value || listed.value.has(name));
    const extra = isPruning && compared ? this.#prunable(source, place, compared.extra) : [];
    const sent = await this.#send(source, place, { files, deleted: [...new Set([...present, ...extra])] });
    if (!sent.ok) return sent;
    const isKnown = compared !== undefined;
    return ok({ ...sent.value, changes: isKnown ? [...changes, ...stillGone] : [] });
  }

  /** Runs a rule's command to its end. */
  async execute({ command, user, workingDir, environment }: WatchExec): Promise<Result<void, Trouble>> {
    const ran = await runSession(
      this.#controlSocket,
      {
        command,
        environment,
        ...(user === undefined ? {} : { user }),
        ...(workingDir === undefined ? {} : { workingDir }),
      },
      { maxOutputBytes: SHOWN_OUTPUT_BYTES, signal: this.#signal },
    );
    if (!ran.ok) return err(troubleOf(ran.error));
    const { exitCode, error, hint, stdout, stderr } = ran.value;
    if (exitCode === 0) return ok(undefined);
    const lines = `${stdout}${stderr}`.split('\n').filter((line) => line.trim() !== '');
    return err({
      message: error ?? `${command.join(' ')} ended with ${exitCode ?? 'an unknown exit code'}`,
      ...(hint === undefined ? {} : { hint }),
      output: lines.slice(-SHOWN_OUTPUT_LINES),
    });
  }

  /** What the guest has; undefined where it has no tools for that. */
  async #list(rule: WatchRule, place: SyncPlace): Promise<Result<ReturnType<typeof parseListing>, Trouble>> {
    const script = listingScript(foreignNames(rule));
    const ran = await runSession(
      this.#controlSocket,
      {
        command: ['/bin/sh', '-c', script, 'sh', place.directory, place.name],
        environment: { LC_ALL: 'C' },
        workingDir: '/',
        user: '0:0',
      },
      { maxOutputBytes: LONGEST_LISTING_BYTES, signal: this.#signal },
    );
    if (!ran.ok) return err(troubleOf(ran.error));
    if (ran.value.exitCode === null) return err({ message: ran.value.error ?? 'the guest gave no answer' });
    return ok(parseListing(ran.value.stdout));
  }

  async #send(
    { rule, matcher }: SyncSource,
    place: SyncPlace,
    { files, deleted }: ReturnType<typeof syncEntries>,
  ): Promise<Result<SyncReport, Trouble>> {
    let refusal: SessionRefusal | undefined;
    const open = async (request: SessionRequest): Promise<Result<Session, SessionRefusal>> => {
      const opened = await openSession(this.#controlSocket, request, { signal: this.#signal });
      if (!opened.ok) refusal = opened.error;
      return opened;
    };
    const notices: Diagnostic[] = [];
    const synced = await syncFiles(
      open,
      {
        target: place.directory,
        files,
        deleted,
        ignores: (path, isDirectory) => matcher.ignores(path, isDirectory),
        ...(this.#machine.user === undefined ? {} : { user: this.#machine.user }),
      },
      { onNotice: (notice) => notices.push(notice) },
    );
    if (refusal) return err(troubleOf(refusal));
    const failure = synced.ok ? notices.find(({ severity }) => severity === 'error') : synced.error;
    if (synced.ok && !failure) return synced;
    const { message, hint } = failure ?? { message: `cannot sync ${rule.path}` };
    return err({ message, ...(hint === undefined ? {} : { hint }) });
  }

  /** Names in the guest that lie below the rule's path and are not left out by it, the outermost ones. */
  #prunable({ rule, matcher }: SyncSource, place: SyncPlace, extra: readonly string[]): readonly string[] {
    if (place.name !== '') return [];
    const isLeft = (name: string): boolean => {
      const path = `${rule.path}/${name}`;
      return matcher.ignores(path, false) || matcher.ignores(path, true);
    };
    const kept = new Set<string>();
    for (const name of extra.filter(isLeft)) {
      for (let up = name; up !== '.' && !kept.has(up); up = dirname(up)) kept.add(up);
    }
    const going = extra.filter((name) => name !== '' && !kept.has(name));
    const gone = new Set(going);
    return going.filter((name) => !gone.has(dirname(name)));
  }
}

function troubleOf({ kind, message, hint }: SessionRefusal): Trouble {
  return {
    message,
    ...(hint === undefined ? {} : { hint }),
    ...(kind === 'not-running' || kind === 'not-ready' ? { isAway: true } : {}),
  };
}

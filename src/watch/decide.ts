import { posix } from 'node:path';
import type { SyncEntry } from '../copy/api.ts';
import type { WatchRule } from '../project/project.ts';
import { isExecuting, isSyncing } from '../project/watch-rules.ts';
import { type Change, isWithin } from './changes.ts';

/** Above it, the guest's tree is compared with the host's as a whole: events may have got lost. */
export const MANY_CHANGES = 1000;

/** What happened to the files of one rule. */
export interface Finding {
  /** Place of the rule among its machine's. */
  readonly rule: number;
  readonly changes: readonly Change[];
  /** The guest's files have to be compared as a whole: it is a new run, or an earlier cycle failed. */
  readonly isWhole: boolean;
}

/** One thing to do for a machine. Those of a cycle are done in their order, and the first failure ends it. */
export type Step =
  /** Gives the guest what changed. */
  | { readonly type: 'sync'; readonly rule: number; readonly changes: readonly Change[] }
  /** Compares the rule's tree with the guest's, and gives it what differs. */
  | { readonly type: 'resync'; readonly rule: number; readonly changes: readonly Change[] }
  | { readonly type: 'exec'; readonly rule: number }
  /** Starts the machine again, once for all rules. */
  | { readonly type: 'restart'; readonly rule: number; readonly rules: readonly number[] }
  /** Builds again and makes the machine anew; what the other rules say comes with the new run. */
  | { readonly type: 'rebuild'; readonly rule: number };

/** What a machine's rules say to what happened; nothing for nothing. */
export function decideSteps(rules: readonly WatchRule[], findings: readonly Finding[]): readonly Step[] {
  const concerned = findings.flatMap((finding) => {
    const rule = rules[finding.rule];
    const matters = finding.changes.length > 0 || (finding.isWhole && rule !== undefined && isSyncing(rule));
    return rule && matters ? [{ ...finding, action: rule.action }] : [];
  });
  const rebuild = concerned.find(({ action }) => action === 'rebuild');
  if (rebuild) return [{ type: 'rebuild', rule: rebuild.rule }];
  const syncs = concerned.filter(isSyncing).map(({ rule, changes, isWhole }): Step => {
    const type = isWhole || changes.length > MANY_CHANGES ? 'resync' : 'sync';
    return { type, rule, changes };
  });
  const execs = concerned.filter(isExecuting).map(({ rule }): Step => ({ type: 'exec', rule }));
  const restarting = concerned
    .filter(({ action }) => action === 'restart' || action === 'sync+restart')
    .map(({ rule }) => rule);
  const [first] = restarting;
  const restart = first === undefined ? [] : [{ type: 'restart', rule: first, rules: restarting } as const];
  return [...syncs, ...execs, ...restart];
}

/** Where a rule's files go: a directory of the guest, and what the rule's own path is called in it. */
export interface SyncPlace {
  readonly directory: string;
  /** Empty where the rule's path is that directory. */
  readonly name: string;
}

/** A file of the host has the target as its name; a directory is the target. */
export function syncPlace(target: string, kind: Change['kind']): SyncPlace {
  return kind === 'directory'
    ? { directory: target, name: '' }
    : { directory: posix.dirname(target), name: posix.basename(target) };
}

/** Name of a host path below the directory of the place. */
export function nameInGuest(path: string, rulePath: string, { name }: SyncPlace): string {
  const relative = path === rulePath ? '' : path.slice(rulePath === '/' ? 1 : rulePath.length + 1);
  return name === '' ? relative : posix.join(name, relative);
}

/** The entries of a sync: a new directory goes with all that it holds, and so does one that is gone. */
export function syncEntries(
  changes: readonly Change[],
  rulePath: string,
  place: SyncPlace,
): { readonly files: readonly SyncEntry[]; readonly deleted: readonly string[] } {
  const present = changes.filter(({ type }) => type !== 'deleted');
  const gone = changes.filter(
    ({ type, path }) => type === 'deleted' && (path !== rulePath || place.name !== ''),
  );
  return {
    files: outermost(present).map(({ path }) => ({ from: path, to: nameInGuest(path, rulePath, place) })),
    deleted: outermost(gone).map(({ path }) => nameInGuest(path, rulePath, place)),
  };
}

/** Leaves out what lies below a directory of the list. */
function outermost(changes: readonly Change[]): readonly Change[] {
  let directory: string | undefined;
  // A slash sorts before what may follow a directory's name, so that what it holds comes right behind it.
  const key = ({ path }: Change): string => path.replaceAll('/', '\0');
  return changes
    .toSorted((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0))
    .filter(({ path, kind }) => {
      if (directory !== undefined && isWithin(path, directory)) return false;
      if (kind === 'directory') directory = path;
      return true;
    });
}

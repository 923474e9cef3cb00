import { shownPath } from '../config/read.ts';
import type { DevelopConfig, TextOrList, WatchConfig, WatchExecConfig } from '../config/schema.gen.ts';
import { resolveWords } from './command.ts';
import { resolveEnvironment } from './env.ts';
import { reservedGuestPath, resolveGuestPath } from './guest-path.ts';
import { withoutAgentNote } from './has-agent.ts';
import { canonicalJson } from './hash.ts';
import { type HostScope, resolveHostPath } from './host-path.ts';
import type { Place } from './place.ts';
import type { Build, Share, WatchExec, WatchRule } from './project.ts';
import { boolOr } from './scalars.ts';
import { sharedPath } from './share-at.ts';
import { resolveUser } from './user.ts';

/** What a rule needs to know of its machine. */
export interface WatchScope extends HostScope {
  readonly agent: boolean;
  readonly build: Build | undefined;
  readonly shares: readonly Share[];
}

/** Rules in the order of the file. */
export function resolveWatch(
  config: DevelopConfig | undefined,
  scope: WatchScope,
  at: Place,
): readonly WatchRule[] {
  const seen = new Map<string, Seen>();
  return (config?.watch ?? []).map((written, index) => {
    const place = at.child('watch', index);
    const rule = resolveRule(written, scope, place);
    checkNeeds(rule, scope, place);
    checkShares(rule, scope, place);
    checkOthers(rule, seen, place);
    return rule;
  });
}

/** Whether a rule copies files into the guest. */
export function isSyncing({ action }: Pick<WatchRule, 'action'>): boolean {
  return action.startsWith('sync');
}

/** Whether a rule runs a command in the guest. */
export function isExecuting({ action }: Pick<WatchRule, 'action'>): boolean {
  return action.endsWith('exec');
}

function resolveRule(config: WatchConfig, scope: WatchScope, at: Place): WatchRule {
  const { action } = config;
  const target = resolveTarget(config, at);
  const exec = resolveExec(config, scope, at);
  return {
    path: resolveHostPath(config.path, scope, at.child('path')),
    action,
    ...(target === undefined ? {} : { target }),
    ignore: listOf(config.ignore),
    include: listOf(config.include),
    gitignore: boolOr(config.gitignore, false),
    initialSync: isSyncing(config) && boolOr(config.initial_sync, true),
    ...(exec === undefined ? {} : { exec }),
  };
}

function listOf(value: TextOrList | undefined): readonly string[] {
  const list = typeof value === 'string' ? [value] : (value ?? []);
  return list.filter((pattern) => pattern.trim() !== '');
}

function resolveTarget(config: WatchConfig, at: Place): string | undefined {
  const place = at.child('target');
  if (!isSyncing(config)) {
    if (config.target !== undefined) warnOfIdleKey('target', config.action, place);
    if (config.initial_sync !== undefined)
      warnOfIdleKey('initial_sync', config.action, at.child('initial_sync'));
    return undefined;
  }
  if (config.target === undefined) {
    at.keyError('missing-key', `the action \`${config.action}\` has no target`, {
      hint: 'say where the files go in the guest, such as `target: /app`',
    });
    return undefined;
  }
  const target = resolveGuestPath(config.target, place);
  const reserved = reservedGuestPath(target);
  if (reserved === '/') {
    place.error('path', 'files cannot be copied over the root of the guest', {
      hint: 'name a directory below it, such as `/app`',
    });
  } else if (reserved !== undefined) {
    place.error('path', `the guest's kernel owns ${reserved}: nothing can be copied there`);
  }
  return target;
}

function resolveExec(config: WatchConfig, scope: WatchScope, at: Place): WatchExec | undefined {
  const place = at.child('exec');
  const { action, exec } = config;
  if (!isExecuting(config)) {
    if (exec !== undefined) warnOfIdleKey('exec', action, place);
    return undefined;
  }
  if (exec === undefined) {
    at.keyError('missing-key', `the action \`${action}\` has no command`, {
      hint: 'say what to run in the guest, such as `exec: [make, gen]`',
    });
    return undefined;
  }
  return resolveCommand(exec, scope, place);
}

function resolveCommand(exec: WatchExecConfig, scope: HostScope, at: Place): WatchExec | undefined {
  const isLong = typeof exec === 'object' && !Array.isArray(exec);
  const long = isLong ? exec : { command: exec };
  const place = isLong ? at.child('command') : at;
  const command = resolveWords(long.command, place);
  const isSplit = typeof long.command === 'string' && long.command.trim() !== '';
  if (command[0] === '' || (command.length === 0 && !isSplit)) {
    place.error('invalid-value', 'the command is empty', { hint: 'write one, such as `[make, gen]`' });
    return undefined;
  }
  const user = resolveUser(long.user, at.child('user'));
  return {
    command,
    ...(user === undefined ? {} : { user }),
    ...(long.working_dir === undefined
      ? {}
      : { workingDir: resolveGuestPath(long.working_dir, at.child('working_dir')) }),
    environment: resolveEnvironment(long.environment, scope.environment, at.child('environment')),
  };
}

function warnOfIdleKey(key: string, action: string, at: Place): void {
  at.warning('conflict', `\`${key}\` does nothing with the action \`${action}\``, {
    span: at.keySpan,
    hint: 'remove it, or use another action',
  });
}

function checkNeeds(rule: WatchRule, { agent, build }: WatchScope, at: Place): void {
  const machine = at.parent.parent.parent;
  if (!agent && (isSyncing(rule) || isExecuting(rule))) {
    at.child('action').error('conflict', `the action \`${rule.action}\` needs the agent`, {
      ...withoutAgentNote(machine),
      hint: 'use `restart` or `rebuild`',
    });
  }
  if (rule.action === 'rebuild' && !build) {
    at.child('action').error('conflict', `machine \`${machine.name}\` has no \`build\` to run again`, {
      hint: 'add `build`, or use the action `sync`, `restart` or `exec`',
    });
  }
}

/** What the guest sees through a share lies on the host: a copy there is a copy onto the host's own files. */
function checkShares(rule: WatchRule, { shares, directory }: WatchScope, at: Place): void {
  const { target } = rule;
  const shared = target === undefined ? undefined : sharedPath(target, shares);
  if (!shared) return;
  const { share, mount, onHost } = shared;
  const place = at.child('target');
  if (share.readOnly) {
    place.error('conflict', `\`${target}\` lies on the share \`${mount}\`, which is read-only`, {
      hint: 'choose a target outside of the share, or remove `ro` from it',
    });
  } else if (onHost === rule.path) {
    place.warning(
      'conflict',
      `the share \`${mount}\` shows these files already: sync would write onto the host's own files`,
      { hint: 'remove the rule, or use an action without sync' },
    );
  } else {
    place.warning('conflict', `\`${target}\` lies on the share \`${mount}\`: sync writes to the host`, {
      hint: `the files go to ${shownPath(onHost, directory)}; choose a target outside of the share if that is not wanted`,
    });
  }
}

interface Seen {
  readonly path: string;
  readonly place: Place;
}

/** Several rules may be about one file; what makes no sense is to say one thing twice, or to mix two trees. */
function checkOthers(rule: WatchRule, seen: Map<string, Seen>, at: Place): void {
  const first = seen.get(canonicalJson(rule));
  if (first) {
    at.warning('conflict', 'this rule is written twice', {
      related: [{ message: 'the first time is here', span: first.place.valueSpan }],
      hint: 'remove one of them',
    });
  }
  const { path, target } = rule;
  const other = target === undefined ? undefined : seen.get(target);
  if (other && other.path !== path) {
    at.child('target').warning('conflict', `two rules copy different files to \`${target}\``, {
      related: [{ message: 'the first rule is here', span: other.place.valueSpan }],
      hint: 'files of the same name overwrite each other; choose another target',
    });
  }
  for (const key of [canonicalJson(rule), ...(target === undefined ? [] : [target])]) {
    if (!seen.has(key)) seen.set(key, { path, place: at });
  }
}

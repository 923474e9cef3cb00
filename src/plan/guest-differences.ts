import { isDeepStrictEqual } from 'node:util';
import type { Dependency, FileGrant, Healthcheck, Machine, Probe, WatchRule } from '../project/project.ts';
import { formatDuration } from '../project/units.ts';
import { type Change, changed, compareNamed } from './change.ts';

/** Secrets or configs by their name: where they come from and lie, never what they hold. */
export function compareGrants(
  kind: 'secrets' | 'configs',
  before: readonly FileGrant[],
  after: readonly FileGrant[],
): Change[] {
  const noun = kind.slice(0, -1);
  const entries = (grants: readonly FileGrant[]): Record<string, string> =>
    Object.fromEntries(grants.map((grant) => [`${grant.name} at ${grant.target}`, grantText(grant)]));
  return compareNamed(kind, noun, entries(before), entries(after)).map((change) => ({
    ...change,
    // Lists of names have the place of the name.
    key: change.key.replace(/ at .*$/s, ''),
  }));
}

function grantText({ source, uid, gid, mode }: FileGrant): string {
  const from =
    source.kind === 'file'
      ? source.path
      : source.kind === 'environment'
        ? `variable ${source.variable}`
        : 'text in the file';
  return `${from} (${uid}:${gid}, 0${mode.toString(8)})`;
}

/** A health check key by key; commands and patterns may hold what is nobody's business. */
export function compareHealthchecks(before: Machine, after: Machine): Change[] {
  const [from, to] = [before.healthcheck, after.healthcheck];
  if (!from) return to ? [{ key: 'healthcheck', text: `healthcheck added (${probeText(to.probe)})` }] : [];
  if (!to) return [{ key: 'healthcheck', text: 'healthcheck removed' }];
  return [...compareProbes(from.probe, to.probe), ...compareSettings(from, to)];
}

function compareProbes(before: Probe, after: Probe): Change[] {
  if (isDeepStrictEqual(before, after)) return [];
  const key = `healthcheck/${after.kind}`;
  const [from, to] = [probeText(before), probeText(after)];
  return [{ key, text: from === to ? `healthcheck ${to} changed` : `healthcheck changed ${from} -> ${to}` }];
}

function probeText(probe: Probe): string {
  return probe.kind === 'tcp' || probe.kind === 'http' ? `${probe.kind} ${probe.port}` : probe.kind;
}

function compareSettings(before: Healthcheck, after: Healthcheck): Change[] {
  const durations = [
    ['interval', 'intervalMs'],
    ['timeout', 'timeoutMs'],
    ['start_period', 'startPeriodMs'],
    ['start_interval', 'startIntervalMs'],
  ] as const;
  const rows: (readonly [string, string | number | boolean, string | number | boolean])[] = [
    ...durations.map(
      ([key, field]) => [key, formatDuration(before[field]), formatDuration(after[field])] as const,
    ),
    ['retries', before.retries, after.retries],
    ['liveness', before.liveness, after.liveness],
  ];
  const changes = rows.flatMap(([key, from, to]) =>
    changed(`healthcheck ${key}`, from, to).map((change) => ({ ...change, key: `healthcheck/${key}` })),
  );
  if (before.hint === after.hint) return changes;
  return [...changes, { key: 'healthcheck/hint', text: 'healthcheck hint changed' }];
}

/** Rules of `develop`, each under its action and path. */
export function compareWatch(before: Machine, after: Machine): Change[] {
  const from = rulesByName(before.watch);
  const to = rulesByName(after.watch);
  const changes = [...new Set([...from.keys(), ...to.keys()])].flatMap((name): Change[] => {
    const [old, now] = [from.get(name), to.get(name)];
    if (isDeepStrictEqual(old, now)) return [];
    const verb = old === undefined ? 'added' : now === undefined ? 'removed' : 'changed';
    return [{ key: 'develop', text: `watch rule ${name} ${verb}` }];
  });
  return changes.length > 0 ? changes : [{ key: 'develop', text: 'order of watch rules changed' }];
}

function rulesByName(rules: readonly WatchRule[]): Map<string, readonly WatchRule[]> {
  const byName = new Map<string, WatchRule[]>();
  for (const rule of rules) {
    const name = `${rule.action} ${rule.path}`;
    byName.set(name, [...(byName.get(name) ?? []), rule]);
  }
  return byName;
}

/** What a machine waits for, by the machine that it waits for. */
export function compareDependencies(before: Machine, after: Machine): Change[] {
  const entries = ({ dependsOn }: Machine): Record<string, string> =>
    Object.fromEntries(
      Object.entries(dependsOn).map(([name, dependency]) => [name, dependencyText(dependency)]),
    );
  return compareNamed('depends_on', 'dependency', entries(before), entries(after));
}

function dependencyText({ condition, restart, isOptional }: Dependency): string {
  return [condition, ...(restart ? ['restart'] : []), ...(isOptional ? ['not required'] : [])].join(', ');
}

import { isDeepStrictEqual } from 'node:util';
import { own } from '../base/record.ts';
import type { Machine, Port, RestartPolicy } from '../project/project.ts';
import { arePortsLive, LIVE_FIELDS } from '../project/hash.ts';
import { portText } from '../project/ports.ts';
import { type Change, changed, compareNamed, sortedUnion } from './change.ts';
import { compareDevices, compareLogs } from './device-differences.ts';
import {
  compareDependencies,
  compareGrants,
  compareHealthchecks,
  compareWatch,
} from './guest-differences.ts';
import { compareBoot, diskEntry, rootText } from './boot-differences.ts';
import { compareNetworks } from './network-differences.ts';
import { formatDuration, formatSizeChange, MEBIBYTE } from '../project/units.ts';

/** Where values are written: {@link Project.origins}. */
export type Origins = Readonly<Record<string, string>>;

/** One changed value of a machine. */
export interface Difference {
  readonly field: keyof Machine;
  /** `memory changed 512 -> 1024 MiB`, with its place in the file where it has one. Never a value of an environment variable. */
  readonly text: string;
  /** Takes effect on the present machine: no other has to be made. */
  readonly isLive: boolean;
}

type FieldComparer = (before: Machine, after: Machine) => readonly Change[];

/** Every field in the order in which a reader looks for it. The compiler keeps the table complete. */
const COMPARERS: Readonly<Record<Exclude<keyof Machine, 'name'>, FieldComparer>> = {
  kind: (before, after) => changed('kind', before.kind, after.kind),
  cpus: (before, after) => changed('cpus', before.cpus, after.cpus),
  memoryMiB: compareMemory,
  root: (before, after) => changed('root', rootText(before.root), rootText(after.root)),
  boot: compareBoot,
  nested: (before, after) => changed('nested', before.nested ?? false, after.nested ?? false),
  splitIrqchip: (before, after) =>
    changed('split_irqchip', before.splitIrqchip ?? false, after.splitIrqchip ?? false),
  smbiosOemStrings: (before, after) => opaque('smbios', before.smbiosOemStrings, after.smbiosOemStrings),
  teeConfig: (before, after) => changed('tee', before.teeConfig ?? 'none', after.teeConfig ?? 'none'),
  hostUid: (before, after) => changed('uid', before.hostUid ?? 'unchanged', after.hostUid ?? 'unchanged'),
  hostGid: (before, after) => changed('gid', before.hostGid ?? 'unchanged', after.hostGid ?? 'unchanged'),
  build: (before, after) => opaque('build', before.build, after.build),
  // The words may hold a secret that came from a variable.
  command: (before, after) => opaque('command', before.command, after.command),
  environment: compareEnvironment,
  workingDir: (before, after) => changed('working_dir', before.workingDir, after.workingDir),
  user: (before, after) => changed('user', before.user ?? 'root', after.user ?? 'root'),
  tty: (before, after) => changed('tty', before.tty, after.tty),
  stdinOpen: (before, after) => changed('stdin_open', before.stdinOpen, after.stdinOpen),
  hostname: (before, after) => changed('hostname', before.hostname, after.hostname),
  rlimits: (before, after) =>
    compareNamed(
      'rlimits',
      'rlimit',
      byText(before.rlimits, rlimitEntry),
      byText(after.rlimits, rlimitEntry),
    ),
  disks: compareDisks,
  shares: compareShares,
  networks: compareNetworks,
  ports: comparePorts,
  secrets: (before, after) => compareGrants('secrets', before.secrets, after.secrets),
  configs: (before, after) => compareGrants('configs', before.configs, after.configs),
  healthcheck: compareHealthchecks,
  dependsOn: compareDependencies,
  restart: (before, after) => changed('restart', restartText(before.restart), restartText(after.restart)),
  stopSignal: (before, after) => changed('stop_signal', before.stopSignal, after.stopSignal),
  stopGracePeriodMs: (before, after) =>
    changed(
      'stop_grace_period',
      formatDuration(before.stopGracePeriodMs),
      formatDuration(after.stopGracePeriodMs),
    ),
  stopCommand: (before, after) => opaque('stop_command', before.stopCommand, after.stopCommand),
  bootTimeoutMs: (before, after) =>
    changed('boot_timeout', formatDuration(before.bootTimeoutMs), formatDuration(after.bootTimeoutMs)),
  agent: (before, after) => changed('agent', before.agent, after.agent),
  logs: compareLogs,
  libkrun: compareLibkrun,
  devices: compareDevices,
  watch: compareWatch,
  helpers: (before, after) => opaque('helpers', before.helpers, after.helpers),
  // Its words are secrets.
  hidden: () => [{ key: 'hidden', text: 'what is hidden as a secret changed' }],
  oneOff: (before, after) => opaque('one-off', before.oneOff, after.oneOff),
};

/** Every changed value between two definitions of one machine, for people. */
export function machineDifferences(
  before: Machine,
  after: Machine,
  origins: Origins = {},
): readonly Difference[] {
  const fields = Object.keys(COMPARERS) as (keyof typeof COMPARERS)[];
  return fields
    .filter((field) => !isDeepStrictEqual(before[field], after[field]))
    .flatMap((field) => {
      const changes = COMPARERS[field](before, after);
      // Equal in every part that has words, such as a list in another order: the field still counts.
      const told = changes.length > 0 ? changes : [{ key: field, text: `${field} changed` }];
      return told.map((change) => ({
        field,
        text: withOrigin(change, after.name, origins),
        isLive: change.isLive ?? Object.hasOwn(LIVE_FIELDS, field),
      }));
    });
}

/** Whether a difference needs a new machine, rather than a new record of the present one. */
export function needsRecreate(difference: Difference): boolean {
  return !difference.isLive;
}

const MOST_NAMED = 3;

/** Some differences in one line: the first three and how many more. */
export function differencesText(differences: readonly Difference[]): string {
  const named = differences.slice(0, MOST_NAMED).map((difference) => difference.text);
  const more = differences.length - named.length;
  return more > 0 ? `${named.join(', ')} and ${more} more` : named.join(', ');
}

function withOrigin(change: Change, machine: string, origins: Origins): string {
  const written = change.places?.map((path) => own(origins, path)).find((found) => found !== undefined);
  if (written !== undefined) return `${change.text} (${written})`;
  const steps = change.key.split('/');
  const exact = own(origins, `machines.${machine}.${steps.join('.')}`);
  // A removed or defaulted value has no place of its own; that of its parent would mislead unless it lists the value.
  const place = exact ?? (steps.length > 1 ? own(origins, `machines.${machine}.${steps[0]}`) : undefined);
  return place === undefined ? change.text : `${change.text} (${place})`;
}

function opaque(key: string, before: unknown, after: unknown): Change[] {
  if (before === undefined) return [{ key, text: `${key} added` }];
  if (after === undefined) return [{ key, text: `${key} removed` }];
  return [{ key, text: `${key} changed` }];
}

function compareMemory(before: Machine, after: Machine): Change[] {
  const [from, to] = [before.memoryMiB, after.memoryMiB];
  const text = from < 10_240 || to < 10_240 ? `${from} -> ${to} MiB` : undefined;
  return [
    { key: 'memory', text: `memory changed ${text ?? formatSizeChange(from * MEBIBYTE, to * MEBIBYTE)}` },
  ];
}

function compareEnvironment(before: Machine, after: Machine): Change[] {
  return sortedUnion(before.environment, after.environment).flatMap((name) => {
    const [from, to] = [own(before.environment, name), own(after.environment, name)];
    if (from === to) return [];
    const verb = from === undefined ? 'added' : to === undefined ? 'removed' : 'changed';
    return [{ key: `environment/${name}`, text: `environment ${name} ${verb}` }];
  });
}

function compareShares(before: Machine, after: Machine): Change[] {
  const entry = (share: Machine['shares'][number]): [string, string] => [
    share.target ?? share.tag,
    [
      share.source,
      ...(share.target === undefined ? [] : [`tag ${share.tag}`]),
      ...(share.readOnly ? ['read-only'] : []),
      ...(share.daxBytes > 0 ? [`dax ${share.daxBytes / MEBIBYTE} MiB`] : []),
    ].join(', '),
  ];
  const changes = compareNamed('shares', 'share', byText(before.shares, entry), byText(after.shares, entry));
  return [...changes, ...compareNotify(before, after)];
}

/** Told through a session: the guest needs nothing new for it. */
function compareNotify(before: Machine, after: Machine): Change[] {
  const entry = ({ target, tag, notify }: Machine['shares'][number]): [string, string] => [
    target ?? tag,
    notify ? 'on' : 'off',
  ];
  const [from, to] = [byText(before.shares, entry), byText(after.shares, entry)];
  return Object.keys(to)
    .filter((name) => own(from, name) !== undefined && from[name] !== to[name])
    .map((name) => ({
      key: `shares/${name}`,
      text: `share ${name}: notify turned ${to[name]}`,
      isLive: true,
    }));
}

function compareDisks(before: Machine, after: Machine): Change[] {
  const changes = compareNamed(
    'disks',
    'disk',
    byText(before.disks, diskEntry),
    byText(after.disks, diskEntry),
  );
  // The order of the disks is what the guest calls vda, vdb and so on.
  return changes.length > 0 ? changes : [{ key: 'disks', text: 'order of disks changed' }];
}

function comparePorts(before: Machine, after: Machine): Change[] {
  const entry = (port: Port): [string, string] => [portText(port), port.name ?? 'no name'];
  const from = byText(before.ports, entry);
  const to = byText(after.ports, entry);
  const isLive = arePortsLive(after);
  return compareNamed('ports', 'port', from, to).map((change) => {
    const port = change.key.slice('ports/'.length);
    const isSame = Object.hasOwn(from, port) && Object.hasOwn(to, port);
    // The name of a port is for people only.
    return isSame ? { ...change, text: `name of ${change.text}`, isLive: true } : { ...change, isLive };
  });
}

function compareLibkrun(before: Machine, after: Machine): Change[] {
  return [
    ...changed(
      'libkrun library',
      before.libkrun.library ?? 'discovered',
      after.libkrun.library ?? 'discovered',
    ),
    ...changed(
      'libkrun kernel bundle',
      before.libkrun.kernelBundle ?? 'discovered',
      after.libkrun.kernelBundle ?? 'discovered',
    ),
    ...changed('libkrun log level', before.libkrun.logLevel, after.libkrun.logLevel),
  ];
}

function byText<T>(items: readonly T[], entry: (item: T) => [string, string]): Record<string, string> {
  return Object.fromEntries(items.map(entry));
}

function rlimitEntry(rlimit: Machine['rlimits'][number]): [string, string] {
  const value = (limit: number): string => (limit === -1 ? 'unlimited' : String(limit));
  return [rlimit.name, `${value(rlimit.soft)}:${value(rlimit.hard)}`];
}

function restartText(restart: RestartPolicy): string {
  if (restart.policy !== 'on-failure' || restart.maxRetries === undefined) return restart.policy;
  return `on-failure:${restart.maxRetries}`;
}

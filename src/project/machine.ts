import { nearest } from '../base/text.ts';
import type { BuildConfig, LogsConfig, MachineConfig } from '../config/schema.gen.ts';
import { resolveCommand, resolveWords } from './command.ts';
import { type DependencyScope, resolveDependsOn } from './depends-on.ts';
import { type DiskScope, resolveAttachments } from './disks.ts';
import { resolveEnvironment } from './env.ts';
import { resolveGuestPath } from './guest-path.ts';
import { resolveHostPath } from './host-path.ts';
import type { MachineNetworks } from './networks.ts';
import type { Place } from './place.ts';
import type { Build, HelperPaths, LibkrunSettings, LogSettings, Machine, Root } from './project.ts';
import { resolveRestart } from './restart.ts';
import { resolveRlimits } from './rlimits.ts';
import { resolveRoot } from './root.ts';
import { boolOr, countOr, durationOr, sizeOr } from './scalars.ts';
import { resolveShares } from './shares.ts';
import { parseSignal, SIGNAL_NAMES } from './signals.ts';
import { resolveCpus, resolveMemory } from './sizing.ts';
import { MEBIBYTE } from './units.ts';

/** What a machine's fields can refer to. */
export interface MachineScope extends DiskScope, DependencyScope {
  readonly hostCpus: number;
  readonly libkrun: LibkrunSettings;
  readonly helpers: HelperPaths;
  readonly networks: ReadonlyMap<string, MachineNetworks>;
}

/** A machine with what checks across machines need. */
export interface ResolvedMachine {
  readonly machine: Machine;
  readonly at: Place;
}

// Stands in after a mistake, so that the other fields are still checked.
const NO_ROOT: Root = { kind: 'directory', path: '/' };

/** One machine with every default filled in; mistakes are reported at their places. */
export function resolveMachine(config: MachineConfig, scope: MachineScope, at: Place): ResolvedMachine {
  // What boots by itself is refused where keys are that krun cannot do yet.
  const root = (config.boot ? undefined : resolveRoot(config.root, scope, at.child('root'))) ?? NO_ROOT;
  const rootDisk = root.kind === 'disk' ? root.disk : undefined;
  const kind = config.kind ?? 'service';
  const machine: Machine = {
    name: at.name,
    kind,
    cpus: resolveCpus(config, scope.hostCpus, at),
    memoryMiB: resolveMemory(config, at),
    root,
    ...(config.build ? { build: resolveBuild(config.build, scope, at.child('build')) } : {}),
    command: resolveCommand(config, at),
    environment: resolveEnvironment(config.environment, scope.environment, at.child('environment')),
    workingDir: resolveGuestPath(config.working_dir ?? '/', at.child('working_dir')),
    tty: false,
    stdinOpen: false,
    hostname: resolveHostname(config.hostname, at),
    rlimits: resolveRlimits(config.rlimits, at.child('rlimits')),
    disks: resolveAttachments(config.disks ?? [], rootDisk, scope, at.child('disks')),
    shares: resolveShares(config.shares ?? [], scope, at.child('shares')),
    networks: scope.networks.get(at.name)?.networks ?? [],
    ports: scope.networks.get(at.name)?.ports ?? [],
    secrets: [],
    configs: [],
    dependsOn: resolveDependsOn(config.depends_on, scope, at.child('depends_on')),
    restart: resolveRestart(config.restart, kind, at.child('restart')),
    stopSignal: resolveStopSignal(config.stop_signal, at.child('stop_signal')),
    stopGracePeriodMs: durationOr(config.stop_grace_period, 10_000, at.child('stop_grace_period')),
    stopCommand: [],
    bootTimeoutMs: resolveBootTimeout(config.boot_timeout, at.child('boot_timeout')),
    agent: boolOr(config.agent, true),
    logs: resolveLogs(config.logs, at.child('logs')),
    libkrun: scope.libkrun,
    watch: [],
    helpers: scope.helpers,
  };
  if (!machine.agent) checkWithoutAgent(machine, at);
  return { machine, at };
}

function resolveBuild(config: BuildConfig, scope: MachineScope, at: Place): Build {
  const command = resolveWords(config.command, at.child('command'));
  if (command.length === 0 && typeof config.command !== 'string') {
    at.child('command').error('invalid-value', 'the build has no command');
  }
  const inputs = typeof config.inputs === 'string' ? [config.inputs] : (config.inputs ?? []);
  return {
    command,
    inputs: inputs.map((input) => resolveHostPath(input, scope, at.child('inputs'))),
    directory: resolveHostPath(config.directory ?? '.', scope, at.child('directory')),
    environment: resolveEnvironment(config.environment, scope.environment, at.child('environment')),
  };
}

function resolveHostname(value: string | undefined, at: Place): string {
  const hostname = value ?? at.name;
  // Linux has 64 bytes for it, and resolvers know nothing but these characters.
  if (value !== undefined && !/^[A-Za-z0-9]([A-Za-z0-9_.-]{0,62}[A-Za-z0-9])?$/.test(hostname)) {
    at.child('hostname').error('invalid-value', `"${hostname}" is not a host name`, {
      hint: 'use 1 to 64 letters, digits, hyphens and dots, with a letter or a digit at both ends',
    });
  }
  return hostname;
}

function resolveStopSignal(value: string | number | undefined, at: Place): string {
  if (value === undefined) return 'SIGTERM';
  const signal = parseSignal(value);
  if (signal !== undefined) return signal;
  const text = String(value).toUpperCase();
  const near = nearest(text.startsWith('SIG') ? text : `SIG${text}`, SIGNAL_NAMES);
  at.error('invalid-value', `"${value}" is not a signal of Linux`, {
    hint: near === undefined ? 'write a name such as SIGTERM' : `did you mean \`${near}\`?`,
  });
  return 'SIGTERM';
}

function resolveBootTimeout(value: string | undefined, at: Place): number {
  const timeoutMs = durationOr(value, 60_000, at);
  if (timeoutMs < 1000)
    at.error('limit', 'no guest boots in less than a second', { hint: 'write 10s or more' });
  return timeoutMs;
}

/** Smallest file that is worth a rotation. */
const LEAST_LOG_BYTES = 1024;

function resolveLogs(config: LogsConfig | undefined, at: Place): LogSettings {
  const maxBytes = sizeOr(config?.max_size, 10 * MEBIBYTE, at.child('max_size'));
  if (maxBytes < LEAST_LOG_BYTES) {
    at.child('max_size').error('limit', 'a log file of less than 1 KiB holds nothing', {
      hint: 'write a size such as 10MiB',
    });
  }
  return { maxBytes, maxFiles: countOr(config?.max_files, 3) };
}

/** Without a shell in the guest, libkrun's init is all there is: it mounts nothing and takes plain words only. */
function checkWithoutAgent(machine: Machine, at: Place): void {
  const noAgent = { related: [{ message: 'the agent is turned off here', span: at.child('agent').keySpan }] };
  if (machine.shares.some((share) => share.target !== undefined)) {
    at.child('shares').keyError('conflict', 'a machine without agent mounts no shares', {
      ...noAgent,
      hint: 'give the shares a `tag` and no `target`, and let the program in the guest mount them',
    });
  }
  const isPlain = (word: string): boolean => /^[ !#-~]*$/.test(word);
  const words = Object.entries(machine.environment).flat();
  if (!machine.command.every(isPlain)) {
    at.child('command').error('conflict', PLAIN_WORDS, { ...noAgent, hint: PLAIN_HINT });
  }
  if (!words.every(isPlain)) {
    at.child('environment').keyError('conflict', PLAIN_WORDS, { ...noAgent, hint: PLAIN_HINT });
  }
  if (!/^[!#-~]*$/.test(machine.workingDir)) {
    at.child('working_dir').error('conflict', PLAIN_WORDS, { ...noAgent, hint: PLAIN_HINT });
  }
}

const PLAIN_WORDS =
  'a machine without agent gets its words through the kernel command line, which knows no quoting';
const PLAIN_HINT = 'use printable ASCII without double quotes';

import { nearest } from '../base/text.ts';
import type { BuildConfig, LogsConfig, MachineConfig, Words } from '../config/schema.gen.ts';
import { resolveBoot } from './boot-config.ts';
import { resolveCommand, resolveWords } from './command.ts';
import { checkConfidential } from './confidential.ts';
import { resolveConsoleLog } from './console.ts';
import { type DependencyScope, resolveDependsOn } from './depends-on.ts';
import { type DiskScope, resolveAttachments } from './disks.ts';
import { resolveEnvironment } from './env.ts';
import { type GrantSources, resolveGrants } from './grants.ts';
import { resolveGuestPath } from './guest-path.ts';
import { hasAgent } from './has-agent.ts';
import { resolveHealthcheck } from './healthcheck.ts';
import { resolveHostPath } from './host-path.ts';
import { type OptionsScope, resolveOptions } from './machine-options.ts';
import type { MachineNetworks } from './networks.ts';
import type { Place } from './place.ts';
import type {
  Attachment,
  Boot,
  Build,
  HelperPaths,
  LibkrunSettings,
  LogSettings,
  Machine,
  Root,
} from './project.ts';
import { resolveDevices } from './resolve-devices.ts';
import { resolveRestart } from './restart.ts';
import { resolveRlimits } from './rlimits.ts';
import { resolveRoot } from './root.ts';
import { boolOr, countOr, durationOr, sizeOr } from './scalars.ts';
import { checkBoot, reportTsi } from './self-boot.ts';
import { resolveShares } from './shares.ts';
import { parseSignal, SIGNAL_NAMES } from './signals.ts';
import { resolveCpus, resolveMemory } from './sizing.ts';
import { MEBIBYTE } from './units.ts';
import { resolveUser } from './user.ts';
import { resolveWatch } from './watch-rules.ts';
import { checkWithoutAgent } from './without-agent.ts';

/** What a machine's fields can refer to. */
export interface MachineScope extends DiskScope, DependencyScope, GrantSources, OptionsScope {
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
  const boot = config.boot && resolveBoot(config.boot, scope, at.child('boot'));
  const isOptional = boot !== undefined && boot.kind !== 'init';
  const root = resolveRoot(config.root, { ...scope, isOptional }, at.child('root')) ?? NO_ROOT;
  const rootDisk = root.kind === 'disk' ? root.disk : undefined;
  const kind = config.kind ?? 'service';
  const agent = hasAgent(config);
  const build = config.build && resolveBuild(config.build, scope, at.child('build'));
  const shares = resolveShares(config.shares ?? [], scope, at.child('shares'));
  const { networks: joined = [], ports = [] } = scope.networks.get(at.name) ?? {};
  const networks = joined.filter((attachment) => fitsKernel(attachment, boot));
  if (networks.length < joined.length) reportTsi(config, at);
  const user = resolveUser(config.user, at.child('user'));
  const healthcheck = resolveHealthcheck(
    config.healthcheck,
    { agent, networks, ports },
    at.child('healthcheck'),
  );
  const machine: Machine = {
    name: at.name,
    kind,
    cpus: resolveCpus(config, scope.hostCpus, at),
    memoryMiB: resolveMemory(config, at),
    root,
    ...(boot === undefined ? {} : { boot }),
    ...resolveOptions(config, scope, at),
    ...(build === undefined ? {} : { build }),
    command: resolveCommand(config, at),
    environment: resolveEnvironment(config.environment, scope.environment, at.child('environment')),
    workingDir: resolveGuestPath(config.working_dir ?? '/', at.child('working_dir')),
    ...(user === undefined ? {} : { user }),
    tty: boolOr(config.tty, false),
    stdinOpen: boolOr(config.stdin_open, false),
    hostname: resolveHostname(config.hostname, at),
    rlimits: resolveRlimits(config.rlimits, at.child('rlimits')),
    disks: resolveAttachments(config.disks ?? [], rootDisk, scope, at.child('disks')),
    shares,
    networks,
    ports,
    ...resolveGrants(config, { ...scope, shares }, at),
    ...(healthcheck === undefined ? {} : { healthcheck }),
    dependsOn: resolveDependsOn(config.depends_on, scope, at.child('depends_on')),
    restart: resolveRestart(config.restart, kind, at.child('restart')),
    stopSignal: resolveStopSignal(config.stop_signal, at.child('stop_signal')),
    stopGracePeriodMs: durationOr(config.stop_grace_period, 10_000, at.child('stop_grace_period')),
    stopCommand: resolveStopCommand(config.stop_command, at.child('stop_command')),
    bootTimeoutMs: resolveBootTimeout(config.boot_timeout, at.child('boot_timeout')),
    agent,
    logs: { ...resolveLogs(config.logs, at.child('logs')), ...resolveConsoleLog(config.console, scope, at) },
    libkrun: scope.libkrun,
    ...resolveDevices(config, scope, at),
    watch: resolveWatch(config.develop, { ...scope, agent, build, shares }, at.child('develop')),
    helpers: scope.helpers,
  };
  checkWithoutAgent(machine, at);
  checkBoot(config, machine, scope.hostArch, at);
  checkConfidential(config, machine, scope, at);
  return { machine, at };
}

/** TSI is a patch of the bundled kernel; a machine that asks for it is told so. */
function fitsKernel({ network }: Attachment, boot: Boot | undefined): boolean {
  return network.driver !== 'tsi' || boot === undefined || boot.kind === 'init';
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

function resolveStopCommand(value: Words | undefined, at: Place): readonly string[] {
  const words = resolveWords(value, at);
  if (words[0] === '') at.error('invalid-value', 'the first word is the program and cannot be empty');
  return words;
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

import { spawn } from 'node:child_process';
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import {
  HELPERS,
  helperInstallHint,
  parseHelperVersion,
  systemOfOsRelease,
  usualHelperPlaces,
  type HelperSystem,
} from '../project/helpers.ts';
import type { HelperName, HelperPaths } from '../project/project.ts';
import { errnoOf, ignoreErrno } from './errno.ts';

/** Where a helper was looked for with success, or was said to be. */
export type HelperSource = 'krun.yaml' | 'environment' | 'PATH' | 'usual place';

export interface FoundHelper {
  readonly kind: 'found';
  /** Absolute. */
  readonly path: string;
  readonly source: HelperSource;
}

/** The user names a program that is not one; nothing else is tried then. */
export interface UnusableHelper {
  readonly kind: 'unusable';
  readonly path: string;
  readonly source: 'krun.yaml' | 'environment';
  /** After the path: `does not exist`. */
  readonly reason: string;
}

/** Finds a helper: what the file names, the environment, PATH, the usual places. Undefined where there is none. */
export function findHelper(
  name: HelperName,
  configured: HelperPaths,
  environment: NodeJS.ProcessEnv,
  platform: string = process.platform,
): FoundHelper | UnusableHelper | undefined {
  const setting = configured[name];
  if (setting !== undefined) return named(setting, 'krun.yaml');
  const variable = environment[HELPERS[name].variable];
  if (variable) return named(path.resolve(variable), 'environment');
  if (!HELPERS[name].platforms.includes(platform)) return undefined;
  for (const directory of (environment['PATH'] ?? '').split(path.delimiter)) {
    // A relative entry would make the result depend on where krun was started.
    if (!path.isAbsolute(directory)) continue;
    const file = path.join(directory, name);
    if (programProblem(file) === undefined) return { kind: 'found', path: file, source: 'PATH' };
  }
  for (const file of usualHelperPlaces(name, platform, environment['HOME'] || undefined)) {
    if (programProblem(file) === undefined) return { kind: 'found', path: file, source: 'usual place' };
  }
  return undefined;
}

function named(file: string, source: UnusableHelper['source']): FoundHelper | UnusableHelper {
  const reason = programProblem(file);
  return reason === undefined
    ? { kind: 'found', path: file, source }
    : { kind: 'unusable', path: file, source, reason };
}

/** Why a file cannot be started, after its path; undefined for an executable regular file. */
function programProblem(file: string): string | undefined {
  try {
    if (!statSync(file).isFile()) return 'is not a file';
    accessSync(file, constants.X_OK);
    return undefined;
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return 'does not exist';
    if (code === 'EACCES') return 'is not executable for your user';
    ignoreErrno(error, 'ELOOP', 'ENAMETOOLONG', 'EPERM', 'EIO', 'ESTALE');
    return `cannot be used (${code})`;
  }
}

export interface MissingHelper {
  readonly message: string;
  readonly hint: string;
}

/** What to tell a user whose helper was not found, or is not what it was said to be. */
export function missingHelper(
  name: HelperName,
  search: UnusableHelper | undefined,
  system: HelperSystem = thisSystem(),
): MissingHelper {
  if (search === undefined) {
    return { message: `${name} is not installed`, hint: helperInstallHint(name, system) };
  }
  const setting =
    search.source === 'krun.yaml' ? `krun.yaml names it as ${name}` : `${HELPERS[name].variable} names it`;
  return {
    message: `${name}: ${search.path} ${search.reason}`,
    hint: `${setting}; correct the path, or remove it and krun looks in PATH and the usual places`,
  };
}

/** The system that krun runs on, as far as install hints depend on it. */
export function thisSystem(): HelperSystem {
  if (process.platform !== 'linux') return { platform: process.platform };
  try {
    return systemOfOsRelease(process.platform, readFileSync('/etc/os-release', 'utf8'));
  } catch (error) {
    ignoreErrno(error, 'ENOENT', 'EACCES');
    return { platform: process.platform };
  }
}

/** What a helper says of itself. */
export interface HelperVersion {
  /** `0.8.9`; for passt, which is numbered by the day, `2025-05-03`. Absent where it does not say. */
  readonly version?: string;
  /** First line of what it prints, or why it prints nothing. */
  readonly text: string;
  /** gvproxy takes a configuration file, and so any subnet. */
  readonly configFile?: boolean;
}

/** A program that is not the helper may do anything, even nothing. */
const VERSION_TIMEOUT_MS = 3000;
const MOST_OUTPUT = 64 * 1024;

/** Asks a helper for its version. Never fails: distributions print what they like. */
export async function helperVersion(name: HelperName, program: string): Promise<HelperVersion> {
  const [said, usage] = await Promise.all([
    outputOf(program, name === 'gvproxy' ? '-version' : '--version'),
    // Versions of distributions lie; the list of options does not.
    name === 'gvproxy' ? outputOf(program, '-help') : undefined,
  ]);
  const version = parseHelperVersion(name, said.output);
  const [text = ''] = said.output.trim().split('\n', 1);
  return {
    ...(version === undefined ? {} : { version }),
    text: text || (said.problem ?? 'unknown version'),
    ...(usage === undefined ? {} : { configFile: /^\s*--?config\b/m.test(usage.output) }),
  };
}

interface Output {
  readonly output: string;
  readonly problem?: string;
}

/** What a program prints with one argument, until it ends or the time is over. */
function outputOf(program: string, argument: string): Promise<Output> {
  return new Promise((resolve) => {
    // A process group of its own, so that nothing stays of a script that is not what it was taken for.
    const child = spawn(program, [argument], { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let problem: string | undefined;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(0, MOST_OUTPUT);
      });
    }
    const timer = setTimeout(() => {
      problem = 'it does not end when asked for its version';
      killGroup(child.pid);
    }, VERSION_TIMEOUT_MS);
    child.once('error', (error) => {
      clearTimeout(timer);
      resolve({ output, problem: error.message });
    });
    child.once('exit', () => killGroup(child.pid));
    child.once('close', () => {
      clearTimeout(timer);
      resolve({ output, ...(problem === undefined ? {} : { problem }) });
    });
  });
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    // EPERM: on macOS, a group of which only remains are left.
    ignoreErrno(error, 'ESRCH', 'EPERM');
  }
}

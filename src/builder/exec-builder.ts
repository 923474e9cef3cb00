import type { Diagnostic } from '../base/diagnostic.ts';
import type { VmExec, VmRlimit } from '../vm/vm.ts';
import { text } from './checks.ts';
import { mistake } from './error.ts';
import { Part } from './part.ts';

export interface ExecState {
  readonly path?: string;
  readonly args: readonly string[];
  readonly env: readonly (readonly [name: string, value: string])[];
  readonly workdir?: string;
  readonly rlimits: readonly VmRlimit[];
}

export const EXEC: ExecState = { args: [], env: [], rlimits: [] };

const UNLIMITED = -1;

/**
 * What libkrun's init starts. The words travel on the kernel command line: printable ASCII without double quotes, about
 * 1500 bytes and 30 words. Of the environment of this process the guest gets nothing.
 */
export class ExecBuilder extends Part<ExecState> {
  /** The program in the guest, which is its own first word too. */
  path(path: string): this {
    return this.with({ path }, text('exec.path', path));
  }

  /** The words after the program's name, all of them. */
  args(args: Iterable<string>): this {
    return this.with({ args: [...args] });
  }

  env(name: string, value: string): this {
    return this.envs([[name, value]]);
  }

  /** Several variables, as pairs or as an object; a later one of the same name wins. */
  envs(variables: Iterable<readonly [string, string]> | Readonly<Record<string, string>>): this {
    const pairs = Symbol.iterator in variables ? [...variables] : Object.entries(variables);
    const names = new Set(pairs.map(([name]) => name));
    const kept = this.state.env.filter(([name]) => !names.has(name));
    return this.with({ env: [...kept, ...new Map(pairs)] }, ...pairs.map(([name]) => nameProblem(name)));
  }

  /** Directory of the guest that the program starts in. */
  workdir(path: string): this {
    return this.with({ workdir: path }, text('exec.workdir', path));
  }

  /** Name as in setrlimit(2), with or without `RLIMIT_`, in any case; `Infinity` for no limit. */
  rlimit(resource: string, soft: number, hard: number): this {
    const name = resource.toLowerCase().replace(/^rlimit_/, '');
    const limit = { name, soft: limitOf(soft), hard: limitOf(hard) };
    return this.with(
      { rlimits: [...this.state.rlimits.filter((one) => one.name !== name), limit] },
      limitProblem(resource, soft),
      limitProblem(resource, hard),
      soft > hard
        ? mistake('exec.rlimit', `${resource}: ${soft} is above the hard limit ${hard}`)
        : undefined,
    );
  }
}

function nameProblem(name: string): Diagnostic | undefined {
  return (
    text('exec.env', name) ?? (name.includes('=') ? mistake('exec.env', `'${name}' has a '='`) : undefined)
  );
}

function limitOf(value: number): number {
  return value === Infinity ? UNLIMITED : value;
}

function limitProblem(resource: string, value: number): Diagnostic | undefined {
  if (value === Infinity || (Number.isSafeInteger(value) && value >= 0)) return undefined;
  return mistake('exec.rlimit', `${resource}: ${value} is neither a whole number nor Infinity`);
}

/** What runs; undefined where nothing was named. */
export function execOf({ path, args, env, workdir }: ExecState): VmExec | undefined {
  if (path === undefined) return undefined;
  const variables = env.map(([name, value]) => `${name}=${value}`);
  return { path, args, env: variables, ...(workdir === undefined ? {} : { workingDir: workdir }) };
}

/** Said of a command that is not there. */
export function execMistakes({ path, args, env, workdir }: ExecState): readonly Diagnostic[] {
  const isSaid = args.length > 0 || env.length > 0 || workdir !== undefined;
  return path === undefined && isSaid ? [mistake('exec', 'it has no path()')] : [];
}

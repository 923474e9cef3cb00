import { err, ok, type Result } from '../../base/result.ts';
import type { SessionRequest } from '../../session/api.ts';
import { type Context, tellError } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { DEFAULT_DETACH_KEYS, type DetachKeys, parseDetachKeys } from './detach-keys.ts';
import { isInteractive, ownTerminal, type Terminal } from './terminal.ts';

/** The guest's words: two dashes in front of them are for those who are used to them. */
export function guestWords(words: readonly string[]): readonly string[] {
  return words[0] === '--' ? words.slice(1) : words;
}

/** Options that `exec`, `shell` and `run` have in common. */
export interface SessionArgs {
  readonly detach?: boolean;
  readonly env?: readonly string[];
  /** False for `-T`, true for `-t`; what krun's own streams are otherwise. */
  readonly tty?: boolean;
  readonly interactive: boolean;
  readonly user?: string;
  readonly workdir?: string;
  readonly detachKeys?: string;
}

/** What the options amount to: what the guest is asked for, and the terminal that it is shown in. */
export interface SessionWish {
  readonly request: Omit<SessionRequest, 'command'>;
  readonly terminal?: Terminal;
  readonly interactive: boolean;
  readonly detachKeys: DetachKeys;
}

/** Reads the options; what is wrong with them is told. */
export function sessionWish(context: Context, args: SessionArgs): Result<SessionWish, ExitCode> {
  const keys = parseDetachKeys(args.detachKeys ?? DEFAULT_DETACH_KEYS);
  if (!keys.ok) return usage(context, `--detach-keys: ${keys.error}`);
  const environment = readEnvironment(context, args.env ?? []);
  if (typeof environment === 'string') return usage(context, environment);
  const { workdir } = args;
  if (workdir !== undefined && !workdir.startsWith('/')) {
    return usage(context, `-w ${workdir} is not a path from the guest's root`, `write it as /${workdir}`);
  }
  const terminal = wantsTerminal(context, args) ? ownTerminal(context) : undefined;
  const interactive = !args.detach && args.interactive;
  return ok({
    request: {
      ...requestOf(context, args, terminal),
      environment,
      stdin: interactive || terminal !== undefined,
    },
    ...(terminal && { terminal }),
    interactive,
    detachKeys: keys.value,
  });
}

function wantsTerminal(context: Context, { tty, detach, interactive }: SessionArgs): boolean {
  return !detach && (tty ?? (interactive && isInteractive(context)));
}

function requestOf(
  { env }: Context,
  { user, workdir, detach }: SessionArgs,
  terminal: Terminal | undefined,
): Pick<SessionRequest, 'user' | 'workingDir' | 'terminal' | 'detached'> {
  return {
    ...(user !== undefined && { user }),
    ...(workdir !== undefined && { workingDir: workdir }),
    ...(terminal && { terminal: { ...terminal.size, term: env['TERM'] || 'xterm' } }),
    ...(detach && { detached: true }),
  };
}

/** `-e NAME=VALUE`, and `-e NAME` with the value that krun itself has, if any. */
function readEnvironment(
  { env }: Context,
  words: readonly string[],
): Readonly<Record<string, string>> | string {
  const entries: [string, string][] = [];
  for (const word of words) {
    const equals = word.indexOf('=');
    const name = equals === -1 ? word : word.slice(0, equals);
    if (name === '') return `-e ${word} has no name in front of the =`;
    const value = equals === -1 ? env[name] : word.slice(equals + 1);
    if (value !== undefined) entries.push([name, value]);
  }
  return Object.fromEntries(entries);
}

function usage(context: Context, message: string, hint?: string): Result<never, ExitCode> {
  tellError(context, message, hint);
  return err(EXIT.usage);
}

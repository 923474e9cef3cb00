export const PROGRESS_MODES = ['auto', 'tty', 'plain', 'json', 'quiet'] as const;
export type ProgressMode = (typeof PROGRESS_MODES)[number];

export const ANSI_MODES = ['never', 'always', 'auto'] as const;
export type AnsiMode = (typeof ANSI_MODES)[number];

/**
 * The options before the command's name, after `KRUN_*` of the environment. KRUN_FILE, KRUN_PROJECT_NAME
 * and KRUN_PROFILES may stand in `.env` as well, so they are read with the project.
 */
export interface GlobalOptions {
  /** `-f`, in order. */
  readonly files: readonly string[];
  readonly projectName: string | undefined;
  readonly projectDirectory: string | undefined;
  readonly profiles: readonly string[];
  readonly envFiles: readonly string[];
  readonly progress: ProgressMode;
  readonly ansi: AnsiMode;
}

/** What commander read, before the environment is asked. */
export interface GivenOptions {
  readonly file?: readonly string[];
  readonly projectName?: string;
  readonly projectDirectory?: string;
  readonly profile?: readonly string[];
  readonly envFile?: readonly string[];
  readonly progress?: ProgressMode;
  readonly ansi?: AnsiMode;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Fills what the command line leaves open from `KRUN_*`; an invalid value of a variable is the returned message. */
export function resolveGlobalOptions(given: GivenOptions, env: Environment): GlobalOptions | string {
  const progress = given.progress ?? fromVariable(env, 'KRUN_PROGRESS', PROGRESS_MODES, 'auto');
  if (progress === undefined) return choiceMessage(env, 'KRUN_PROGRESS', PROGRESS_MODES);
  const ansi = given.ansi ?? fromVariable(env, 'KRUN_ANSI', ANSI_MODES, 'auto');
  if (ansi === undefined) return choiceMessage(env, 'KRUN_ANSI', ANSI_MODES);
  return {
    files: given.file ?? [],
    projectName: given.projectName,
    projectDirectory: given.projectDirectory,
    profiles: given.profile ?? [],
    envFiles: given.envFile ?? list(env['KRUN_ENV_FILES']),
    progress,
    ansi,
  };
}

/** Whether a stream gets colours: `--ansi`, then NO_COLOR, then what the stream is. */
export function wantsColor(ansi: AnsiMode, env: Environment, isTty: boolean): boolean {
  if (ansi !== 'auto') return ansi === 'always';
  if (env['NO_COLOR']) return false;
  return isTty && env['TERM'] !== 'dumb';
}

function list(value: string | undefined): readonly string[] {
  return (value ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

/** The variable's value, the default where it is not set, undefined where it is not one of the choices. */
function fromVariable<T extends string>(
  env: Environment,
  name: string,
  choices: readonly T[],
  otherwise: T,
): T | undefined {
  const value = env[name];
  return value ? choices.find((choice) => choice === value) : otherwise;
}

function choiceMessage(env: Environment, name: string, choices: readonly string[]): string {
  return `${name}=${env[name]} in the environment is not one of ${choices.join(', ')}`;
}

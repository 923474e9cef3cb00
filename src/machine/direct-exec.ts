import { errorDiagnostic, type Diagnostic } from '../base/diagnostic.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { GuestSpec } from './spec.ts';

/** Words that libkrun puts on the guest's kernel command line. */
export interface DirectExec {
  readonly path: string;
  /** Without the program's own name. */
  readonly argv: readonly string[];
  readonly envp: readonly string[];
  readonly workingDir: string;
}

/** The guest kernel cuts its command line at 2048 bytes, and device addresses come after these words. */
const MOST_BYTES = 1500;
/** Two less than the kernel's CONFIG_INIT_ENV_ARG_LIMIT: it has words of its own. */
const MOST_WORDS = 30;

/**
 * The command of a guest without a shell. The kernel's parser knows double quotes but no escapes, so a word that
 * would change the rest of the line is refused.
 */
export function directExec(
  guest: Extract<GuestSpec, { readonly kind: 'direct' }>,
): Result<DirectExec, readonly Diagnostic[]> {
  const [path = '', ...argv] = guest.command;
  const envp = Object.entries(guest.environment).map(([name, value]) => `${name}=${value}`);
  const problems = [
    ...wordProblems('command', guest.command),
    ...wordProblems('environment', envp),
    ...spaceProblems('command', path),
    ...spaceProblems('working_dir', guest.workingDir),
    ...wordProblems('working_dir', [guest.workingDir]),
    ...sizeProblems([path, ...argv, ...envp, guest.workingDir]),
  ];
  if (argv.length > MOST_WORDS) problems.push(tooMany('command', argv.length));
  if (envp.length > MOST_WORDS) problems.push(tooMany('environment', envp.length));
  return problems.length > 0 ? err(problems) : ok({ path, argv, envp, workingDir: guest.workingDir });
}

const HINT = 'without the agent (`agent: false`) these words travel on the kernel command line';

function wordProblems(key: string, words: readonly string[]): Diagnostic[] {
  return words.flatMap((word) => {
    const problem = wordProblem(word);
    return problem === undefined
      ? []
      : [errorDiagnostic('limit', `${key}: ${JSON.stringify(word)} ${problem}`, { hint: HINT })];
  });
}

function wordProblem(word: string): string | undefined {
  if (word === '--') return "cannot be passed: the kernel ends the command's words there";
  const bad = /[^\x20-\x21\x23-\x7e]/u.exec(word)?.[0];
  if (bad === undefined) return undefined;
  return bad === '"' ? 'has a double quote' : `has a character outside printable ASCII`;
}

function spaceProblems(key: string, word: string): Diagnostic[] {
  if (word !== '' && !word.includes(' ')) return [];
  const problem = word === '' ? 'must not be empty' : 'has a space';
  return [errorDiagnostic('limit', `${key}: ${JSON.stringify(word)} ${problem}`, { hint: HINT })];
}

function sizeProblems(words: readonly string[]): Diagnostic[] {
  const bytes = words.reduce((sum, word) => sum + word.length + 3, 0);
  if (bytes <= MOST_BYTES) return [];
  const message = `command, environment and working_dir take ${bytes} bytes together; ${MOST_BYTES} fit`;
  return [errorDiagnostic('limit', message, { hint: HINT })];
}

function tooMany(key: string, count: number): Diagnostic {
  return errorDiagnostic('limit', `${key} has ${count} words; ${MOST_WORDS} fit`, { hint: HINT });
}

import { errorDiagnostic, type Diagnostic } from '../base/diagnostic.ts';
import type { VmExec } from './vm.ts';

/** The guest kernel cuts its command line at 2048 bytes, and device addresses come after these words. */
const MOST_BYTES = 1500;
/** Two less than the kernel's CONFIG_INIT_ENV_ARG_LIMIT: it has words of its own. */
const MOST_WORDS = 30;

/** What the parts of a command are called where it was written, and why they are limited there. */
export interface ExecNames {
  readonly command: string;
  readonly environment: string;
  readonly workingDir: string;
  readonly hint: string;
}

const KRUN_YAML: ExecNames = {
  command: 'command',
  environment: 'environment',
  workingDir: 'working_dir',
  hint: 'without the agent (`agent: false`) these words travel on the kernel command line',
};

/**
 * Why a command cannot pass the kernel command line. The kernel's parser knows double quotes but no escapes, so a word
 * that would change the rest of the line is refused.
 */
export function execProblems(
  { path, args, env, workingDir }: VmExec,
  names: ExecNames = KRUN_YAML,
): readonly Diagnostic[] {
  const directory = workingDir === undefined ? [] : [workingDir];
  const { command, environment, hint } = names;
  const all = [command, environment, names.workingDir].join(', ').replace(/, ([^,]*)$/, ' and $1');
  const messages = [
    ...wordProblems(command, [path, ...args]),
    ...wordProblems(environment, env),
    ...spaceProblems(command, path),
    ...directory.flatMap((word) => spaceProblems(names.workingDir, word)),
    ...wordProblems(names.workingDir, directory),
    ...sizeProblems(all, [path, ...args, ...env, ...directory]),
    ...countProblems(command, args),
    ...countProblems(environment, env),
  ];
  return messages.map((message) => errorDiagnostic('limit', message, { hint }));
}

function wordProblems(key: string, words: readonly string[]): readonly string[] {
  return words.flatMap((word) => {
    const problem = wordProblem(word);
    return problem === undefined ? [] : [`${key}: ${JSON.stringify(word)} ${problem}`];
  });
}

function wordProblem(word: string): string | undefined {
  if (word === '--') return "cannot be passed: the kernel ends the command's words there";
  const bad = /[^\x20-\x21\x23-\x7e]/u.exec(word)?.[0];
  if (bad === undefined) return undefined;
  return bad === '"' ? 'has a double quote' : `has a character outside printable ASCII`;
}

function spaceProblems(key: string, word: string): readonly string[] {
  if (word !== '' && !word.includes(' ')) return [];
  return [`${key}: ${JSON.stringify(word)} ${word === '' ? 'must not be empty' : 'has a space'}`];
}

function sizeProblems(keys: string, words: readonly string[]): readonly string[] {
  const bytes = words.reduce((sum, word) => sum + word.length + 3, 0);
  return bytes <= MOST_BYTES ? [] : [`${keys} take ${bytes} bytes together; ${MOST_BYTES} fit`];
}

function countProblems(key: string, words: readonly string[]): readonly string[] {
  return words.length <= MOST_WORDS ? [] : [`${key} has ${words.length} words; ${MOST_WORDS} fit`];
}

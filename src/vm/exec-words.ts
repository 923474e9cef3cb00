import { errorDiagnostic, type Diagnostic } from '../base/diagnostic.ts';
import type { VmExec } from './vm.ts';

/** The guest kernel cuts its command line at 2048 bytes, and device addresses come after these words. */
const MOST_BYTES = 1500;
/** Two less than the kernel's CONFIG_INIT_ENV_ARG_LIMIT: it has words of its own. */
const MOST_WORDS = 30;

const HINT = 'without the agent (`agent: false`) these words travel on the kernel command line';

/**
 * Why a command cannot pass the kernel command line. The kernel's parser knows double quotes but no escapes, so a word
 * that would change the rest of the line is refused.
 */
export function execProblems({ path, args, env, workingDir }: VmExec): readonly Diagnostic[] {
  const directory = workingDir === undefined ? [] : [workingDir];
  const problems = [
    ...wordProblems('command', [path, ...args]),
    ...wordProblems('environment', env),
    ...spaceProblems('command', path),
    ...directory.flatMap((word) => spaceProblems('working_dir', word)),
    ...wordProblems('working_dir', directory),
    ...sizeProblems([path, ...args, ...env, ...directory]),
  ];
  if (args.length > MOST_WORDS) problems.push(tooMany('command', args.length));
  if (env.length > MOST_WORDS) problems.push(tooMany('environment', env.length));
  return problems;
}

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

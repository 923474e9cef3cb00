import { createInterface } from 'node:readline';
import { err, ok, type Result } from '../base/result.ts';
import { type Context, tellError } from './context.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';

/** Asks on the terminal; without one the command ends, and `option` is what would have answered. */
export async function confirm(
  context: Context,
  question: string,
  option: string,
): Promise<Result<boolean, ExitCode>> {
  if (context.stdin.isTTY !== true) {
    tellError(
      context,
      `${question.replace(/\?$/, '')} needs a confirmation, and there is no terminal to ask on`,
      `add ${option}`,
    );
    return err(EXIT.usage);
  }
  const terminal = createInterface({ input: context.stdin, output: context.stderr.stream });
  try {
    const answer = await new Promise<string | undefined>((resolve) => {
      terminal.once('SIGINT', () => resolve(undefined));
      terminal.once('close', () => resolve(''));
      terminal.question(`${question} [y/N] `, resolve);
    });
    if (answer === undefined) return err(EXIT.interrupted);
    return ok(/^y(?:es)?$/i.test(answer.trim()));
  } finally {
    terminal.close();
  }
}

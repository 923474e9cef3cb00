import { createInterface } from 'node:readline';
import { err, ok, type Result } from '../base/result.ts';
import { type Context, tellError } from './context.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';

export interface Question {
  readonly text: string;
  /** What is asked about, as a subject: `deleting disk data`. */
  readonly about: string;
  /** The option that answers yes. */
  readonly option: string;
}

/** Asks on the terminal; without one the command ends. */
export async function confirm(
  context: Context,
  { text, about, option }: Question,
): Promise<Result<boolean, ExitCode>> {
  if (context.stdin.isTTY !== true) {
    tellError(context, `${about} needs a yes, and there is no terminal to ask on`, `add ${option}`);
    return err(EXIT.usage);
  }
  const terminal = createInterface({ input: context.stdin, output: context.stderr.stream });
  try {
    const answer = await new Promise<string | undefined | null>((resolve) => {
      terminal.once('SIGINT', () => resolve(undefined));
      terminal.once('close', () => resolve(null));
      terminal.question(`${text} [y/N] `, resolve);
    });
    // Only Enter has moved the cursor to the next line.
    if (typeof answer !== 'string') context.stderr.stream.write('\n');
    if (answer === undefined) return err(EXIT.interrupted);
    return ok(/^y(?:es)?$/i.test(answer?.trim() ?? ''));
  } finally {
    terminal.close();
  }
}

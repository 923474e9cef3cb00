import type { Context } from '../context.ts';
import { answerCompletion } from '../completion.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';

export interface CompleteArgs {
  readonly words: readonly string[];
}

/** `krun complete -- WORDS`: what the shell's completion script asks. */
export async function run(context: Context, args: CompleteArgs): Promise<ExitCode> {
  await answerCompletion(context, args.words);
  return EXIT.ok;
}

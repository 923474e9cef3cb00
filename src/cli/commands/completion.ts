import { script } from '@bomb.sh/tab';
import { BASH_COMPLETION } from '../completion-bash.ts';
import { type Context, print } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';

export interface CompletionArgs {
  readonly shell: 'bash' | 'zsh' | 'fish' | 'powershell';
}

/** `krun completion SHELL`: the script asks `krun complete -- WORDS` at each tab. */
export async function run(context: Context, args: CompletionArgs): Promise<ExitCode> {
  if (args.shell === 'bash') print(context, BASH_COMPLETION);
  // Prints to the process's stdout by itself.
  else script(args.shell, 'krun', 'krun');
  return EXIT.ok;
}

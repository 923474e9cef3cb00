import { script } from '@bomb.sh/tab';
import type { Context } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';

export interface CompletionArgs {
  readonly shell: 'bash' | 'zsh' | 'fish' | 'powershell';
}

/** `krun completion SHELL`: the script asks `krun complete -- WORDS` at each tab. */
export async function run(_context: Context, args: CompletionArgs): Promise<ExitCode> {
  // Prints to the process's stdout by itself.
  script(args.shell, 'krun', 'krun');
  return EXIT.ok;
}

import { KRUN_VERSION } from '../build-constants.ts';
import { type Context, print } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';

export interface VersionArgs {
  readonly short?: boolean;
  readonly format: 'pretty' | 'json';
}

/** `krun version`. */
export async function run(context: Context, args: VersionArgs): Promise<ExitCode> {
  if (args.format === 'json')
    print(context, JSON.stringify({ version: KRUN_VERSION, node: process.versions.node }));
  else print(context, args.short ? KRUN_VERSION : `krun ${KRUN_VERSION}`);
  return EXIT.ok;
}

import type { Declare } from '../program.ts';

/** `cp`, below the commands that do something in guests. */
export function declareCopy(declare: Declare): void {
  declare
    .command('cp', 'Copy files between the host and a running machine')
    .argument('<source>', 'MACHINE:PATH, PATH, or - for a tar stream from standard input')
    .argument('<destination>', 'PATH, MACHINE:PATH, or - for a tar stream to standard output')
    .option('-a, --archive', "keep owners by number; else they are the guest's root, and you on the host")
    .option('-L, --follow-link', 'copy what SOURCE leads to where it is a symbolic link')
    .option('-q, --quiet', 'no word about progress and the result')
    .action(declare.action(() => import('../commands/cp.ts'), 'source', 'destination'));
}

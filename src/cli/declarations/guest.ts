import { type Command, Option } from 'commander';
import { collect } from '../arguments.ts';
import type { Declare } from '../program.ts';

/** Commands that do something in guests. */
export function declareGuest(declare: Declare): void {
  declare.program.commandsGroup('Inside machines:');
  withSession(
    declare
      .command('exec', 'Run a command in a running machine')
      .argument('<machine>', 'name')
      .argument('<command...>', 'the command and its arguments, with all options behind the machine'),
  )
    .option('-d, --detach', 'return when the command runs')
    .passThroughOptions()
    .action(declare.action(() => import('../commands/exec.ts'), 'machine', 'command'));
}

/** Options that mean the same wherever a command is run in a guest. */
function withSession(command: Command): Command {
  return command
    .option(
      '-e, --env <variable>',
      'NAME=VALUE, or NAME for its value here; repeatable, added to those of the machine',
      collect,
    )
    .option('-t, --tty', 'with a terminal; the default where input and output are one')
    .option('-T, --no-tty', 'without a terminal: output byte by byte, errors apart')
    .addOption(new Option('-i, --interactive', 'pass on the input; the default').default(true).hideHelp())
    .option('-I, --no-interactive', 'no input')
    .option('-u, --user <user>', "NAME or UID, with :GROUP or :GID; the machine's own without")
    .option('-w, --workdir <directory>', "directory in the guest; the machine's own without")
    .option('--detach-keys <keys>', 'keys that leave a terminal', 'ctrl-p,ctrl-q');
}

import { type Command, Option } from 'commander';
import { collect, lineCount } from '../arguments.ts';
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
  withSession(
    declare
      .command('shell', "Open a shell in a running machine, in the guest's view of the current directory")
      .argument('[machine]', 'name; the only one that runs without')
      .argument('[command...]', 'command to run in the shell, with all options behind the machine'),
  )
    .passThroughOptions()
    .action(declare.action(() => import('../commands/shell.ts'), 'machine', 'command'));
  declareRun(declare);
  declare
    .command('attach', "Follow a machine's own command, with its input where it takes any")
    .argument('<machine>', 'name')
    .option('--no-stdin', 'output only')
    .option('--no-sig-proxy', 'signals end krun and do not reach the command')
    .option('--detach-keys <keys>', 'keys that leave a terminal', 'ctrl-p,ctrl-q')
    .action(declare.action(() => import('../commands/attach.ts'), 'machine'));
  declare
    .command('console', "Follow what the guest's kernel and libkrun say")
    .argument('<machine>', 'name')
    .option('-n, --tail <lines>', 'begin with so many of the newest lines, or all', lineCount, 'all')
    .option('--no-follow', 'print what there is')
    .option('-t, --timestamps', 'with the time of each line')
    .action(declare.action(() => import('../commands/console.ts'), 'machine'));
}

function declareRun(declare: Declare): void {
  withSession(
    declare
      .command('run', 'Run a command in a machine of its own, which is like one of krun.yaml')
      .argument('<machine>', 'the machine that it is like')
      .argument('[command...]', "instead of the machine's command, with all options behind the machine"),
  )
    .option('-d, --detach', 'print the name of the new machine and return')
    .option('--rm', 'remove the new machine when its command has ended')
    .option('--name <name>', 'name of the new machine')
    .option('--no-deps', 'without starting what the machine depends on')
    .addOption(
      new Option('-p, --publish <port>', 'port to publish, as in krun.yaml, repeatable')
        .argParser(collect)
        .conflicts('servicePorts'),
    )
    .option('-P, --service-ports', 'publish the ports of the machine in krun.yaml')
    .option(
      '-v, --share <share>',
      'further share, as in krun.yaml but from the current directory, repeatable',
      collect,
    )
    .option('--entrypoint <words>', "instead of the machine's entrypoint and command")
    .passThroughOptions()
    .action(declare.action(() => import('../commands/run.ts'), 'machine', 'command'));
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

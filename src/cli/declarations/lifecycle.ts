import { Option } from 'commander';
import { collect, signalName, timeoutMs } from '../arguments.ts';
import type { Declare } from '../program.ts';

const TIMEOUT = ['-t, --timeout <seconds>', 'time for a graceful stop before the machine is killed'] as const;

/** `up`, `down` and everything between. */
export function declareLifecycle(declare: Declare): void {
  declare.program.commandsGroup('Lifecycle:');
  declareUp(declare);
  declare
    .command('down', 'Stop and remove the machines of the project')
    .option('-v, --volumes', 'also delete the named disks; asks first')
    .option('-y, --yes', 'answer yes to every question')
    .option('--remove-orphans', 'accepted as compose has it; all machines of the project are removed anyway')
    .option(...TIMEOUT, timeoutMs)
    .action(declare.action(() => import('../commands/down.ts')));
  declare
    .command('start', 'Start machines that exist')
    .argument('[machines...]', 'names; all without')
    .action(declare.action(() => import('../commands/start.ts'), 'machines'));
  declare
    .command('stop', 'Stop machines and keep them')
    .argument('[machines...]', 'names; all without')
    .option(...TIMEOUT, timeoutMs)
    .action(declare.action(() => import('../commands/stop.ts'), 'machines'));
  declare
    .command('restart', 'Stop and start machines')
    .argument('[machines...]', 'names; all without')
    .option(...TIMEOUT, timeoutMs)
    .action(declare.action(() => import('../commands/restart.ts'), 'machines'));
  declare
    .command('kill', 'End machines at once, or send a signal to their command')
    .argument('[machines...]', 'names; all without')
    .option('-s, --signal <signal>', 'signal to send', signalName, 'SIGKILL')
    .action(declare.action(() => import('../commands/kill.ts'), 'machines'));
  declare
    .command('rm', 'Remove stopped machines')
    .argument('[machines...]', 'names; all without')
    .option('-f, --force', 'do not ask')
    .option('-s, --stop', 'stop them first where they run')
    .action(declare.action(() => import('../commands/rm.ts'), 'machines'));
  declare
    .command('watch', 'Watch files and do what `develop.watch` says; apply edits of krun.yaml')
    .argument('[machines...]', 'names; all without')
    .option('--no-up', 'do not start the machines first')
    .option('--quiet', 'tell failures only')
    .option('--prune', 'when trees are compared, delete in the guest what the host has not')
    .action(declare.action(() => import('../commands/watch.ts'), 'machines'));
  declare
    .command('wait', 'Wait until machines end and print their exit codes')
    .argument('[machines...]', 'names; all without')
    .action(declare.action(() => import('../commands/wait.ts'), 'machines'));
}

function declareUp(declare: Declare): void {
  declare
    .command('up', 'Make the project as krun.yaml says: build, create, start')
    .argument('[machines...]', 'names, with their dependencies; all without')
    .addOption(new Option('-d, --detach', 'return when the machines are started').conflicts(ATTACHED_ONLY))
    .addOption(
      new Option('--wait', 'return when services run and tasks are done; implies --detach').conflicts(
        ATTACHED_ONLY,
      ),
    )
    .option('--wait-timeout <seconds>', 'longest time for --wait', timeoutMs)
    .option('--dry-run', 'print what would be done and why, and do nothing')
    .addOption(
      new Option('--force-recreate', 'recreate machines that have not changed').conflicts('recreate'),
    )
    .option('--no-recreate', 'leave machines that exist as they are')
    .option('--remove-orphans', 'remove machines that are no longer in krun.yaml')
    .option('--no-deps', 'without the dependencies of the named machines')
    .addOption(
      new Option('--no-start', 'create the machines and do not start them').conflicts([
        ...ATTACHED_ONLY,
        'wait',
      ]),
    )
    .option('--abort-on-exit', "stop all machines when one ends; the exit code is that one's")
    .option('--abort-on-failure', 'stop all machines when one ends with another code than 0')
    .option('--exit-code-from <machine>', 'return the exit code of a machine; implies --abort-on-exit')
    .option('--attach <machine>', 'show the logs of this machine only, repeatable', collect)
    .addOption(notAttached())
    .option('--no-log-prefix', "log lines without the machine's name")
    .option('--timestamps', 'log lines with their time')
    .addOption(
      new Option('-w, --watch', 'watch files as krun watch does').conflicts([
        'abortOnExit',
        'abortOnFailure',
        'exitCodeFrom',
      ]),
    )
    .option('--no-menu', 'no keys while attached to a terminal')
    .option(...TIMEOUT, timeoutMs)
    .action(declare.action(() => import('../commands/up.ts'), 'machines'));
}

/** Options that mean nothing without attached logs. */
const ATTACHED_ONLY = ['attach', 'notAttached', 'abortOnExit', 'abortOnFailure', 'exitCodeFrom', 'watch'];

/** commander takes `--no-attach NAME` for the opposite of `--attach`; it is a list of its own. */
function notAttached(): Option {
  const option = new Option('--no-attach <machine>', 'do not show the logs of this machine, repeatable');
  option.negate = false;
  option.attributeName = () => 'notAttached';
  return option.argParser(collect);
}

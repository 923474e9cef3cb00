import { Option } from 'commander';
import { MACHINE_STATUSES } from '../../plan/machine-state.ts';
import { collect, lineCount, portTarget, regularExpression, timePoint } from '../arguments.ts';
import type { Declare } from '../program.ts';

/** Commands that look and change nothing. */
export function declareLooking(declare: Declare): void {
  declare.program.commandsGroup('Look:');
  declare
    .command('ps', 'List the machines of the project')
    .argument('[machines...]', 'names; all without')
    .option('-a, --all', 'also machines that do not run')
    .option('-q, --quiet', 'names only')
    .option('--services', 'names only, as compose has it')
    .addOption(
      repeatable(
        new Option('--status <status>', 'only machines in this state, repeatable'),
        MACHINE_STATUSES,
      ),
    )
    .option('--no-trunc', 'whole commands, however long')
    .addOption(new Option('--format <format>', 'output format').choices(['table', 'json']).default('table'))
    .action(declare.action(() => import('../commands/ps.ts'), 'machines'));
  declare
    .command('ls', 'List all your projects, from anywhere')
    .option('-a, --all', 'also projects of which nothing runs')
    .option('-q, --quiet', 'names only')
    .addOption(new Option('--format <format>', 'output format').choices(['table', 'json']).default('table'))
    .action(declare.action(() => import('../commands/ls.ts')));
  declareLogs(declare);
  declare
    .command('port', 'Print where published ports are on the host')
    .argument('[machine]', 'name; all machines without')
    .argument('[port]', "the guest's port (80, 53/udp) or its name; all without", portTarget)
    .addOption(
      new Option('--protocol <protocol>', 'which protocol; tcp for a bare number').choices(['tcp', 'udp']),
    )
    .addOption(new Option('--format <format>', 'output format').choices(['text', 'json']).default('text'))
    .action(declare.action(() => import('../commands/port.ts'), 'machine', 'port'));
  declareUsage(declare);
  declareNetwork(declare);
  declare
    .command('events', 'Follow what happens in the project')
    .option('--json', 'one JSON object a line')
    .option('--since <time>', 'also earlier events, from a time or so long ago', timePoint)
    .action(declare.action(() => import('../commands/events.ts')));
  declare
    .command('inspect', 'Print all that is known about machines, as JSON')
    .argument('[machines...]', 'names; all without')
    .option('--calls', "only libkrun's calls, of machines that do not run too")
    .addOption(
      new Option('--format <format>', 'output format; json without --calls').choices(['text', 'json']),
    )
    .action(declare.action(() => import('../commands/inspect.ts'), 'machines'));
}

/** An option that may be given several times, each time with one of the choices. */
function repeatable(option: Option, choices: readonly string[]): Option {
  const parse = option.choices(choices).parseArg;
  return option.argParser((value, previous: readonly string[] | undefined) => {
    parse?.(value, undefined);
    return collect(value, previous);
  });
}

function declareUsage(declare: Declare): void {
  declare
    .command('top', 'List the processes in machines')
    .argument('[machines...]', 'names; all that run without')
    .option('-a, --all', "also threads of the guest's kernel")
    .addOption(new Option('--format <format>', 'output format').choices(['table', 'json']).default('table'))
    .action(declare.action(() => import('../commands/top.ts'), 'machines'));
  declare
    .command('stats', 'Show what machines use of processors, memory, disks and networks')
    .argument('[machines...]', 'names; all that run without')
    .option('--no-stream', 'print once and end')
    .addOption(new Option('--format <format>', 'output format').choices(['table', 'json']).default('table'))
    .action(declare.action(() => import('../commands/stats.ts'), 'machines'));
}

function declareNetwork(declare: Declare): void {
  const network = declare.command('network', 'Look at the networks of the project').helpCommand(false);
  declare
    .command('ls', 'List the networks that machines are on', network)
    .option('-q, --quiet', 'names only')
    .addOption(new Option('--format <format>', 'output format').choices(['table', 'json']).default('table'))
    .action(declare.action(() => import('../commands/network-ls.ts')));
  declare
    .command(
      'inspect',
      'Print all that is known about networks: helper, members, addresses, traffic',
      network,
    )
    .argument('[networks...]', 'names; all without')
    .addOption(new Option('--format <format>', 'output format').choices(['json', 'text']).default('json'))
    .action(declare.action(() => import('../commands/network-inspect.ts'), 'networks'));
}

function declareLogs(declare: Declare): void {
  declare
    .command('logs', 'Print the output of machines')
    .argument('[machines...]', 'names; all without')
    .option('-f, --follow', 'go on as output comes, across restarts')
    .option(
      '-n, --tail <lines>',
      'only so many of the newest lines of each machine, or all',
      lineCount,
      'all',
    )
    .option('--since <time>', 'only lines from a time (RFC 3339) or so long ago (10m)', timePoint)
    .option('--until <time>', 'only lines before a time or so long ago', timePoint)
    .option('-t, --timestamps', 'with the time of each line')
    .option('--no-log-prefix', "without the machine's name")
    .option('--no-color', 'without colours')
    .option('--grep <regex>', 'only lines that match', regularExpression)
    .addOption(
      new Option('--stream <stream>', 'which output; stdout and stderr without').choices([
        'stdout',
        'stderr',
        'console',
        'helper',
        'all',
      ]),
    )
    .option('--helpers', 'what gvproxy, passt, vmnet-helper and the networks say')
    .addOption(new Option('--format <format>', 'output format').choices(['text', 'json']).default('text'))
    .action(declare.action(() => import('../commands/logs.ts'), 'machines'));
}

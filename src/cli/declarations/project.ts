import { Option } from 'commander';
import type { Declare } from '../program.ts';
import { declareConvert } from './convert.ts';

/** Commands about krun.yaml. */
export function declareProject(declare: Declare): void {
  declare.program.commandsGroup('Project:');
  declare
    .command('init', 'Write a krun.yaml that runs')
    .option('--force', 'overwrite what exists')
    .action(declare.action(() => import('../commands/init.ts')));
  declare
    .command('plan', 'Print what up would do, and why (exit code 3: there is something to do)')
    .argument('[machines...]', 'names, with their dependencies; all without')
    .addOption(new Option('--force-recreate', 'as up --force-recreate').conflicts('recreate'))
    .option('--no-recreate', 'as up --no-recreate')
    .option('--remove-orphans', 'as up --remove-orphans')
    .option('--no-deps', 'as up --no-deps')
    .option('--no-start', 'as up --no-start')
    .addOption(
      new Option('--format <format>', 'output format').choices(['text', 'actions', 'json']).default('text'),
    )
    .action(declare.action(() => import('../commands/plan.ts'), 'machines'));
  declare
    .command('config', 'Print what all configuration files amount to')
    .option('--resolved', 'as krun understands it, with every default')
    .addOption(new Option('--format <format>', 'output format').choices(['yaml', 'json']).default('yaml'))
    .option('--show-secrets', 'print passwords, tokens and keys as they are, not as ***')
    .option('-q, --quiet', 'check only')
    .option('--explain <key>', 'which file, line and variable set a value, such as machines.web.memory')
    .option('--machines', 'names of the machines')
    .option('--services', 'as --machines')
    .option('--disks', 'names of the disks')
    .option('--networks', 'names of the networks that machines are on')
    .option('--profiles', 'names of the profiles')
    .option('--hash [machine]', "hash of each machine's effective definition, or of one")
    .option('-o, --output <file>', 'write to a file')
    .action(declare.action(() => import('../commands/config.ts')));
  declare
    .command('validate', 'Check krun.yaml and say what is wrong')
    .action(declare.action(() => import('../commands/validate.ts')));
  declareConvert(declare);
}

import { Argument, Option } from 'commander';
import type { Declare } from '../program.ts';

/** Commands about krun itself and the host. */
export function declareSetup(declare: Declare): void {
  declare.program.commandsGroup('Setup:');
  declare
    .command('doctor', 'Check libkrun, KVM, helpers and directories')
    .option('--fix', 'install libkrun and libkrunfw where they are missing; sign a copy of node (macOS)')
    .addOption(new Option('--format <format>', 'output format').choices(['text', 'json']).default('text'))
    .action(declare.action(() => import('../commands/doctor.ts')));
  declare
    .command('completion', 'Print a completion script for a shell')
    .addArgument(new Argument('<shell>', 'shell').choices(['bash', 'zsh', 'fish', 'powershell']))
    .action(declare.action(() => import('../commands/completion.ts'), 'shell'));
  declare
    .command('version', 'Print the version of krun')
    .option('--short', 'the number only')
    .addOption(new Option('--format <format>', 'output format').choices(['pretty', 'json']).default('pretty'))
    .action(declare.action(() => import('../commands/version.ts')));
  declare.program
    .command('probe-libraries', { hidden: true })
    .argument('<libkrun>')
    .argument('[libkrunfw]')
    .action(declare.action(() => import('../commands/probe-libraries.ts'), 'libkrun', 'libkrunfw'));
  declare.program
    .command('probe-hypervisor', { hidden: true })
    .action(declare.action(() => import('../commands/probe-hypervisor.ts')));
  declare.program
    .command('complete', { hidden: true })
    .argument('[words...]')
    .allowUnknownOption()
    .passThroughOptions()
    .helpOption(false)
    .action(declare.action(() => import('../commands/complete.ts'), 'words'));
}

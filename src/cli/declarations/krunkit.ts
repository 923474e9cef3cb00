import type { Declare } from '../program.ts';

/** `krunkit`, whose arguments krun reads as krunkit does. */
export function declareKrunkit(declare: Declare): void {
  declare.program.commandsGroup('Without krun.yaml:');
  declare
    .command('krunkit', 'Run one virtual machine with the options and REST service of krunkit')
    .argument('[words...]', "krunkit's options; --help lists them")
    .allowUnknownOption()
    .passThroughOptions()
    .helpOption(false)
    .action(declare.action(() => import('../commands/krunkit.ts'), 'words'));
}

import type { ConvertArgs } from '../commands/convert.ts';
import type { CommandModule, Declare } from '../program.ts';

/** `convert`, whose options stand before the name of the other program, because that one's follow it. */
export function declareConvert(declare: Declare): void {
  const convert = declare
    .command('convert', "Make a krun.yaml of a compose file, or of krunkit's or vfkit's arguments")
    .option('-o, --output <file>', 'write to a file')
    .option('-f, --force', 'overwrite it where it exists')
    .helpCommand(false);
  const load = (from: ConvertArgs['from']) => async (): Promise<CommandModule<ConvertArgs>> => {
    const { run } = await import('../commands/convert.ts');
    return { run: (context, args) => run(context, { ...convert.opts(), ...args, from }) };
  };
  declare
    .command('compose', 'Of a compose file; what does not carry over is listed', convert)
    .argument('[file]', 'compose.yaml or docker-compose.yaml without')
    .option('-o, --output <file>', 'write to a file')
    .option('-f, --force', 'overwrite it where it exists')
    .action(declare.action(load('compose'), 'file'));
  for (const program of ['krunkit', 'vfkit'] as const) {
    declare
      .command(program, `Of the arguments of ${program}`, convert)
      .argument('[words...]', `all that follows ${program}`)
      .allowUnknownOption()
      .passThroughOptions()
      .helpOption(false)
      .action(declare.action(load(program), 'words'));
  }
}

import { type Command as TabCommand, RootCommand } from '@bomb.sh/tab';
import type { Command, Option } from 'commander';
import { type Context, print } from './context.ts';
import { createProgram } from './program.ts';
import { recordedMachines } from './recorded-machines.ts';

/** ShellCompDirectiveDefault: the shell completes file names. */
const FILES = ':0';

/** Answers what the shell asks at a tab: the words so far, the last one unfinished. */
export async function answerCompletion(context: Context, words: readonly string[]): Promise<void> {
  const program = createProgram({ host: context, execute: async () => undefined });
  const commandAt = commandIndex(program, words.slice(0, -1));
  const command = commandAt === undefined ? undefined : findCommand(program, words[commandAt]);
  const before = words.at(-2) ?? '';
  if (takesFile((command ?? program).options, before)) {
    print(context, FILES);
    return;
  }
  const machines = command?.registeredArguments.some(isMachineList)
    ? await recordedMachines(context, globalsOf(words.slice(0, commandAt)))
    : [];
  // Options of the program and of a command share letters (-f), so the tree holds one or the other.
  if (command === undefined) rootTree(program).parse([...words]);
  else commandTree(command, machines).parse(words.slice(commandAt));
}

/** Place of the command's name, behind the global options and their values. */
export function commandIndex(program: Command, words: readonly string[]): number | undefined {
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? '';
    if (!word.startsWith('-')) return index;
    if (optionOf(program.options, word)?.required && !word.includes('=')) index++;
  }
  return undefined;
}

function findCommand(program: Command, name: string | undefined): Command | undefined {
  return program.commands.find((command) => command.name() === name);
}

function optionOf(options: readonly Option[], word: string): Option | undefined {
  const flag = word.split('=', 1)[0];
  return options.find((option) => option.short === flag || option.long === flag);
}

function takesFile(options: readonly Option[], word: string): boolean {
  return word.startsWith('-') && /<(?:path|file)>/.test(optionOf(options, word)?.flags ?? '');
}

function isMachineList(argument: { name(): string }): boolean {
  return argument.name() === 'machines';
}

/** `-p` and the places of the project, which decide whose machines are meant. */
function globalsOf(words: readonly string[]): { readonly file?: string; readonly projectName?: string } {
  const valueOf = (...flags: readonly string[]): string | undefined => {
    const index = words.findIndex((word) => flags.includes(word));
    return index === -1 ? undefined : words[index + 1];
  };
  const file = valueOf('-f', '--file');
  const projectName = valueOf('-p', '--project-name');
  return { ...(file !== undefined && { file }), ...(projectName !== undefined && { projectName }) };
}

function rootTree(program: Command): RootCommand {
  const root = new RootCommand();
  addOptions(root, program);
  for (const command of program.createHelp().visibleCommands(program)) {
    root.command(command.name(), command.description());
  }
  return root;
}

function commandTree(command: Command, machines: readonly string[]): RootCommand {
  const root = new RootCommand();
  const node = root.command(command.name(), command.description());
  addOptions(node, command);
  for (const argument of command.registeredArguments) {
    const choices = isMachineList(argument) ? machines : (argument.argChoices ?? []);
    const complete = (offer: (value: string, description: string) => void): void => {
      for (const choice of choices) offer(choice, '');
    };
    node.argument(argument.name(), complete, argument.variadic);
  }
  return root;
}

function addOptions(node: TabCommand, command: Command): void {
  for (const option of command.createHelp().visibleOptions(command)) {
    const name = option.long?.slice(2);
    if (name === undefined) continue;
    const alias = option.short?.slice(1);
    if (!option.required && !option.optional) {
      node.option(name, option.description, alias);
      continue;
    }
    const choices = option.argChoices ?? [];
    node.option(
      name,
      option.description,
      (offer) => {
        for (const choice of choices) offer(choice, '');
      },
      alias,
    );
  }
}

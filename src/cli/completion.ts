import { type Command as TabCommand, RootCommand } from '@bomb.sh/tab';
import type { Command, Option } from 'commander';
import { type Context, print } from './context.ts';
import type { GivenOptions } from './global-options.ts';
import { configuredMachines, publishedTargets, recordedMachines, recordedNetworks } from './known-names.ts';
import { krunkitChoices } from './krunkit-completion.ts';
import { createProgram } from './program.ts';

/** ShellCompDirectiveDefault: the shell completes file names. */
const FILES = ':0';

/** ShellCompDirectiveNoFileComp: what is offered is all there is. */
const NO_FILES = ':4';

/** ShellCompDirectiveNoSpace: the same, and more belongs to the word. */
const PART_OF_WORD = ':2';

/** Answers what the shell asks at a tab: the words so far, the last one unfinished. */
export async function answerCompletion(context: Context, words: readonly string[]): Promise<void> {
  const program = createProgram({ host: context, execute: async () => undefined });
  const globalsEnd = commandIndex(program, words.slice(0, -1));
  const { command, at: commandAt } = commandOf(program, words, globalsEnd);
  const before = words.at(-2) ?? '';
  if (takesFile((command ?? program).options, before)) {
    print(context, FILES);
    return;
  }
  const last = words.at(-1) ?? '';
  // A lone dash would offer the short forms only.
  const asked = last === '-' ? [...words.slice(0, -1), '--'] : words;
  // Options of the program and of a command share letters (-f), so the tree holds one or the other.
  if (command === undefined) {
    rootTree(program).parse([...asked]);
    return;
  }
  if (command.commands.length > 0) {
    rootTree(command).parse(asked.slice((commandAt ?? 0) + 1));
    return;
  }
  const globals = globalsOf(program, words.slice(0, globalsEnd));
  const own = words.slice((commandAt ?? 0) + 1, -1);
  if (isInGuestCommand(command, own)) {
    print(context, FILES);
    return;
  }
  if (await answerAlone({ context, program, command, globals, own }, last)) return;
  const choices = await choicesOf({ context, program, command, globals, own });
  commandTree(command, choices).parse(asked.slice(commandAt));
}

/** Commands whose words the tree does not know. */
async function answerAlone({ context, command, globals, own }: Asked, last: string): Promise<boolean> {
  if (command.name() === 'krunkit') {
    const choices = krunkitChoices([...own, last]);
    if (choices !== 'files') for (const choice of choices) print(context, choice);
    // Values go on: a device's arguments, a number behind a colon.
    const ready = last.startsWith('-') ? NO_FILES : PART_OF_WORD;
    print(context, choices === 'files' ? FILES : ready);
    return true;
  }
  if (command.name() !== 'cp' || last.startsWith('-')) return false;
  const sides = (await machineNames(context, command, globals)).map((name) => `${name}:`);
  const meant = sides.filter((side) => side.startsWith(last));
  for (const side of meant) print(context, side);
  print(context, meant.length > 0 ? PART_OF_WORD : FILES);
  return true;
}

/** What stands at the tab. */
interface Asked {
  readonly context: Context;
  readonly program: Command;
  readonly command: Command;
  readonly globals: GivenOptions;
  /** Finished words behind the command's name. */
  readonly own: readonly string[];
}

/** Values that the arguments and options of a command may have; nothing is read that it does not take. */
async function choicesOf({ context, program, command, globals, own }: Asked): Promise<Choices> {
  const machines = takes(command, 'machine') ? await machineNames(context, command, globals) : [];
  const commands = program.createHelp().visibleCommands(program);
  return {
    machine: machines,
    machines,
    networks: takes(command, 'network') ? await recordedNetworks(context, globals) : [],
    port: takes(command, 'port') ? await publishedTargets(context, globals, own) : [],
    // Of `krun help`; `exec` and its like take a command of the guest.
    command: command.name() === 'help' ? commands.map((each) => each.name()) : [],
  };
}

/** The command that the words have got to, in a group of commands too. */
function commandOf(
  program: Command,
  words: readonly string[],
  at: number | undefined,
): { readonly command: Command | undefined; readonly at: number | undefined } {
  const command = at === undefined ? undefined : findCommand(program, words[at]);
  if (at === undefined || !command?.commands.length) return { command, at };
  const next = words.slice(0, -1).findIndex((word, index) => index > at && !word.startsWith('-'));
  const inner = next === -1 ? undefined : findCommand(command, words[next]);
  return inner ? { command: inner, at: next } : { command, at };
}

/** Commands about krun.yaml mean the machines in it; all others those that exist. */
function machineNames(context: Context, command: Command, globals: GivenOptions): Promise<readonly string[]> {
  return ['up', 'plan', 'config', 'run'].includes(command.name())
    ? configuredMachines(context, globals)
    : recordedMachines(context, globals);
}

/** Place of the command's name, behind the global options and their values. */
export function commandIndex(program: Command, words: readonly string[]): number | undefined {
  return operandIndex(program.options, words);
}

/** Place of the first word that is neither an option nor an option's value. */
function operandIndex(options: readonly Option[], words: readonly string[]): number | undefined {
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? '';
    if (!word.startsWith('-')) return index;
    if (optionOf(options, word)?.required && !word.includes('=')) index++;
  }
  return undefined;
}

function findCommand(program: Command, name: string | undefined): Command | undefined {
  return program
    .createHelp()
    .visibleCommands(program)
    .find((command) => command.name() === name);
}

function optionOf(options: readonly Option[], word: string): Option | undefined {
  const flag = word.split('=', 1)[0];
  return options.find((option) => option.short === flag || option.long === flag);
}

function takesFile(options: readonly Option[], word: string): boolean {
  return word.startsWith('-') && /<(?:path|file)>/.test(optionOf(options, word)?.flags ?? '');
}

/** Whether an argument is called so, or so in the plural, or the value of an option. */
function takes(command: Command, what: string): boolean {
  return (
    command.registeredArguments.some((argument) => [what, `${what}s`].includes(argument.name())) ||
    command.options.some((option) => placeholder(option) === what)
  );
}

/** What an option calls its value: `machine` of `--attach <machine>`. */
function placeholder(option: Option): string | undefined {
  return /[<[](\w+)[\]>]/.exec(option.flags)?.[1];
}

/** Whether the word at the tab is behind the machine of `exec`, `shell` or `run`: it is the guest's. */
function isInGuestCommand(command: Command, own: readonly string[]): boolean {
  const last = command.registeredArguments.at(-1);
  return last?.name() === 'command' && last.variadic && operandIndex(command.options, own) !== undefined;
}

/** The global options of a command line, which decide whose machines are meant. */
function globalsOf(program: Command, words: readonly string[]): GivenOptions {
  program.parseOptions([...words]);
  return program.opts<GivenOptions>();
}

/** Values of arguments and options by what they are called. */
type Choices = Readonly<Record<string, readonly string[]>>;

function rootTree(program: Command): RootCommand {
  const root = new RootCommand();
  addOptions(root, program);
  for (const command of program.createHelp().visibleCommands(program)) {
    root.command(command.name(), command.description());
  }
  return root;
}

function commandTree(command: Command, choices: Choices): RootCommand {
  const root = new RootCommand();
  const node = root.command(command.name(), command.description());
  addOptions(node, command, choices);
  for (const argument of command.registeredArguments) {
    const values = argument.argChoices ?? choices[argument.name()] ?? [];
    node.argument(argument.name(), offerAll(values), argument.variadic);
  }
  return root;
}

function addOptions(node: TabCommand, command: Command, choices: Choices = {}): void {
  for (const option of command.createHelp().visibleOptions(command)) {
    const name = option.long?.slice(2);
    if (name === undefined) continue;
    const alias = option.short?.slice(1);
    if (!option.required && !option.optional) {
      node.option(name, option.description, alias);
      continue;
    }
    const values = option.argChoices ?? choices[placeholder(option) ?? ''] ?? [];
    node.option(name, option.description, offerAll(values), alias);
  }
}

function offerAll(values: readonly string[]): (offer: (value: string, description: string) => void) => void {
  return (offer) => {
    for (const value of values) offer(value, '');
  };
}

import { Command, Option } from 'commander';
import { collect } from './arguments.ts';
import type { Context, Host } from './context.ts';
import { declareCopy } from './declarations/copy.ts';
import { declareGuest } from './declarations/guest.ts';
import { declareLifecycle } from './declarations/lifecycle.ts';
import { declareKrunkit } from './declarations/krunkit.ts';
import { declareLooking } from './declarations/looking.ts';
import { declareProject } from './declarations/project.ts';
import { declareSetup } from './declarations/setup.ts';
import type { ExitCode } from './exit-codes.ts';
import { ANSI_MODES, PROGRESS_MODES, type GivenOptions } from './global-options.ts';

/** A command's module: loaded when the command is called, not before. */
export interface CommandModule<A> {
  run(context: Context, args: A): Promise<ExitCode>;
}

/** What the declarations need of the one that runs them. */
export interface Runner {
  readonly host: Host;
  /** Runs a command with the options that stand before its name. */
  execute(given: GivenOptions, command: (context: Context) => Promise<ExitCode>): Promise<void>;
}

/** Adds one command below the program, or below another command. */
export interface Declare {
  /** The program itself, for the completion of its own commands. */
  readonly program: Command;
  command(name: string, description: string, parent?: Command): Command;
  /** Connects a command with its module; positional arguments get the given names. */
  action<A>(
    load: () => Promise<CommandModule<A>>,
    ...positionals: string[]
  ): (...received: unknown[]) => Promise<void>;
}

/** The whole command line as commander sees it; declarations only. */
export function createProgram(runner: Runner): Command {
  const program = new Command('krun');
  const { host } = runner;
  program
    .description('docker compose for libkrun microVMs')
    .usage('[options] <command>')
    .enablePositionalOptions()
    .showSuggestionAfterError(true)
    .exitOverride()
    .configureHelp({ minWidthToWrap: 20, subcommandTerm: (command) => command.name() })
    .configureOutput({
      writeOut: (text) => host.stdout.stream.write(text),
      writeErr: (text) => host.stderr.stream.write(text),
      getOutHelpWidth: () => helpWidth(host.stdout.columns),
      getErrHelpWidth: () => helpWidth(host.stderr.columns),
      getOutHasColors: () => host.stdout.color,
      getErrHasColors: () => host.stderr.color,
      outputError: (text, write) => write(rewordError(text)),
    })
    .version(__KRUN_VERSION__, '-v, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .addHelpCommand(
      new Command('help').argument('[command]').description('Print help of a command').helpGroup('Setup:'),
    );
  declareGlobalOptions(program);
  const declare: Declare = {
    program,
    command: (name, description, parent = program) =>
      parent.command(name).description(description).helpOption('-h, --help', 'print help'),
    action:
      (load, ...positionals) =>
      async (...received) => {
        const options = received.at(-2) as object;
        const named = positionals.map((name, index) => [name, received[index]] as const);
        const args = { ...options, ...Object.fromEntries(named) };
        await runner.execute(program.opts<GivenOptions>(), async (context) =>
          (await load()).run(context, args as Parameters<Awaited<ReturnType<typeof load>>['run']>[1]),
        );
      },
  };
  declareLifecycle(declare);
  declareGuest(declare);
  declareCopy(declare);
  declareKrunkit(declare);
  declareLooking(declare);
  declareProject(declare);
  declareSetup(declare);
  return program;
}

function declareGlobalOptions(program: Command): void {
  program
    .option('-f, --file <path>', 'configuration file, repeatable (KRUN_FILE)', collect)
    .option('-p, --project-name <name>', 'project name (KRUN_PROJECT_NAME)')
    .option('--project-directory <path>', 'directory that relative paths start from')
    .option('--profile <name>', 'profile to enable, repeatable (KRUN_PROFILES)', collect)
    .option('--env-file <path>', 'environment file instead of .env, repeatable (KRUN_ENV_FILES)', collect)
    .addOption(
      new Option('--progress <mode>', 'how progress is shown on stderr (KRUN_PROGRESS)').choices(
        PROGRESS_MODES,
      ),
    )
    .addOption(
      new Option('--ansi <when>', 'colours and cursor control (KRUN_ANSI, NO_COLOR)').choices(ANSI_MODES),
    );
}

/** Help is text for reading: no wider than 110 columns, and 80 where nobody knows. */
function helpWidth(columns: number | undefined): number {
  return columns === undefined ? 80 : Math.min(columns, 110);
}

/** commander's `error: x` in the words of all other messages. */
function rewordError(text: string): string {
  return text
    .replace(/^error: /, 'krun: ')
    .replace(/command-argument value ('.*') is invalid for argument '(.*?)'/, '<$2> cannot be $1')
    .replace(/\n\(Did you mean (.+)\?\)/, (_, names: string) => `\n  hint: did you mean ${names}?`);
}

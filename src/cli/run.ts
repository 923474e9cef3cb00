import { CommanderError, type Command } from 'commander';
import { type Context, type Host, print, tell, tellError } from './context.ts';
import { writeCrashReport } from './crash-report.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { type GivenOptions, resolveGlobalOptions, wantsColor } from './global-options.ts';
import { createProgram } from './program.ts';

/** Runs one command line; every outcome, also a bug, becomes an exit code and text on the host's streams. */
export async function runCommandLine(argv: readonly string[], host: Host): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.ok;
  const program = createProgram({
    host,
    async execute(given, command) {
      const context = contextOf(host, given);
      exitCode = typeof context === 'string' ? usageError(host, context) : await command(context);
    },
  });
  if (argv.length === 0) {
    print(host, program.helpInformation());
    return EXIT.ok;
  }
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return endOfParsing(program, host, argv, error);
    return internalError(host, error);
  }
}

/** Tells of a bug in one line; the stack goes into a file. */
export function internalError(host: Host, error: unknown): ExitCode {
  const message = error instanceof Error ? error.message : String(error);
  const report = writeCrashReport(host, error);
  tellError(host, `internal error: ${message.split('\n', 1)[0]} (report: ${report})`);
  return EXIT.internal;
}

function contextOf(host: Host, given: GivenOptions): Context | string {
  const global = resolveGlobalOptions(given, host.env);
  if (typeof global === 'string') return global;
  return {
    ...host,
    global,
    stdout: { ...host.stdout, color: wantsColor(global.ansi, host.env, host.stdout.isTty) },
    stderr: { ...host.stderr, color: wantsColor(global.ansi, host.env, host.stderr.isTty) },
  };
}

function usageError(host: Host, message: string): ExitCode {
  tellError(host, message);
  return EXIT.usage;
}

/** commander throws for help and version too; those have been printed by then. */
function endOfParsing(
  program: Command,
  host: Host,
  argv: readonly string[],
  error: CommanderError,
): ExitCode {
  if (error.exitCode === 0) return EXIT.ok;
  // A command that only groups others has printed its help.
  if (error.code === 'commander.help') return EXIT.usage;
  const command = program.commands.find((candidate) => argv.includes(candidate.name()));
  const misplaced = misplacedOption(program, error);
  if (misplaced !== undefined)
    tell(host, `  hint: ${misplaced} stands before the command: krun ${misplaced} ...`);
  const name = command === undefined ? 'krun' : `krun ${command.name()}`;
  tell(host, `Run '${name} --help' for usage.`);
  return EXIT.usage;
}

/** The global option that was written after the command, if that was the mistake. */
function misplacedOption(program: Command, error: CommanderError): string | undefined {
  const flag = /^error: unknown option '([^'=]+)/.exec(error.message)?.[1];
  return program.options.some((option) => option.short === flag || option.long === flag) ? flag : undefined;
}

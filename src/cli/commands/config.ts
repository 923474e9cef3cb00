import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { hasErrors } from '../../base/diagnostic.ts';
import { explain } from '../../config/explain.ts';
import { printableConfig } from '../../config/print.ts';
import { redactPlain, secretsOf } from '../../config/redact.ts';
import type { KrunFile } from '../../config/schema.gen.ts';
import { errnoOf } from '../../host/errno.ts';
import { machineHash } from '../../project/hash.ts';
import { toPlain } from '../../source/locate.ts';
import { explanationText } from '../../view/explanation.ts';
import { toJson, toYaml } from '../../view/yaml.ts';
import { type Context, print, tellError } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { type LoadedProject, loadConfiguration, loadForCommand } from '../load-project.ts';
import { tellUnknownMachine } from '../machine-names.ts';
import { tellDiagnostics } from '../project.ts';

export interface ConfigArgs {
  readonly format: 'yaml' | 'json';
  readonly quiet?: boolean;
  readonly explain?: string;
  readonly machines?: boolean;
  readonly services?: boolean;
  readonly disks?: boolean;
  readonly networks?: boolean;
  readonly profiles?: boolean;
  readonly resolved?: boolean;
  readonly showSecrets?: boolean;
  /** `true` for all machines. */
  readonly hash?: string | true;
  readonly output?: string;
}

/** `krun config`: what the files amount to. */
export async function run(context: Context, args: ConfigArgs): Promise<ExitCode> {
  if (args.explain !== undefined) return explainKey(context, args.explain);
  const loaded = await loadForCommand(context, []);
  if (!loaded.ok) return loaded.error;
  if (args.quiet) return EXIT.ok;
  const text = textOf(context, args, loaded.value);
  if (text === undefined) return EXIT.usage;
  if (args.output === undefined) {
    if (text !== '') print(context, text);
    return EXIT.ok;
  }
  const file = path.resolve(context.cwd, args.output);
  try {
    // It may hold what an environment file keeps secret.
    await writeFile(file, text.endsWith('\n') ? text : `${text}\n`, { mode: 0o600 });
  } catch (error) {
    const code = errnoOf(error);
    if (code === undefined) throw error;
    tellError(context, `cannot write ${file}: ${code}`);
    return EXIT.failure;
  }
  return EXIT.ok;
}

/** Undefined after a mistake, which has been told. */
function textOf(context: Context, args: ConfigArgs, loaded: LoadedProject): string | undefined {
  const { project } = loaded;
  if (args.machines || args.services) return Object.keys(project.machines).join('\n');
  if (args.disks) return Object.keys(project.disks).join('\n');
  if (args.networks) return Object.keys(project.networks).join('\n');
  if (args.profiles) return profilesOf(loaded).join('\n');
  if (args.hash !== undefined) return hashText(context, args.hash, loaded);
  const value = args.resolved ? resolvedProject(args, loaded) : mergedFile(args, loaded);
  return args.format === 'json' ? toJson(value) : toYaml(value);
}

/** Says where a value is from, also in a project with mistakes: that is when one asks. */
async function explainKey(context: Context, key: string): Promise<ExitCode> {
  const { tree, texts, diagnostics } = await loadConfiguration(context, []);
  await tellDiagnostics(context, diagnostics, texts);
  if (tree === undefined) return EXIT.usage;
  const explained = explain(tree, key);
  if (!explained.ok) {
    await tellDiagnostics(context, [explained.error], texts);
    return EXIT.usage;
  }
  print(context, explanationText(explained.value, texts, context.cwd));
  return hasErrors(diagnostics) ? EXIT.usage : EXIT.ok;
}

function hashText(context: Context, wanted: string | true, { project }: LoadedProject): string | undefined {
  const known = Object.keys(project.machines);
  if (typeof wanted === 'string' && wanted !== '*' && !known.includes(wanted)) {
    tellUnknownMachine(context, wanted, known);
    return undefined;
  }
  return Object.values(project.machines)
    .filter((machine) => wanted === true || wanted === '*' || machine.name === wanted)
    .map((machine) => `${machine.name} ${machineHash(machine)}`)
    .join('\n');
}

/** Profiles that machines name, whether active or not. */
function profilesOf({ result }: LoadedProject): readonly string[] {
  const { machines } = result.tree === undefined ? {} : (toPlain(result.tree) as KrunFile);
  return [...new Set(Object.values(machines ?? {}).flatMap((machine) => machine?.profiles ?? []))].toSorted();
}

/** The files as one, in the grammar of krun.yaml. */
function mergedFile({ showSecrets }: ConfigArgs, { project, result }: LoadedProject): unknown {
  const { tree } = result;
  return tree === undefined
    ? { name: project.name }
    : printableConfig({ tree, name: project.name, showSecrets });
}

/** The project as krun understands it, with every default filled in. */
function resolvedProject({ showSecrets }: ConfigArgs, { project, result }: LoadedProject): unknown {
  const { origins: _, ...shown } = project;
  if (showSecrets) return shown;
  return redactPlain(shown, result.tree === undefined ? new Set() : secretsOf(result.tree));
}

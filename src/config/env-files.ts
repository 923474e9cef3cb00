import { errorDiagnostic, type Diagnostic, type Span } from '../base/diagnostic.ts';
import type { MapEntry, MapTree, Tree } from '../source/tree.ts';
import { parseDotenv, parseRawEnv, type DotenvEntry } from './dotenv.ts';
import { asList, child, isNull, mapValues, scalarText, withChild, withoutChild } from './normalize.ts';
import { absolutePath, readSource, type ReadContext } from './read.ts';
import type { Variables } from './variables.ts';

/** What `env_file` needs to be read. */
export interface EnvFilesContext extends ReadContext {
  readonly projectDirectory: string;
  readonly diagnostics: Diagnostic[];
  readonly isEnabled: (machine: string, profiles: readonly string[]) => boolean;
}

/**
 * Puts the variables of each machine's env files under its `environment`, which wins, and drops names that got no
 * value anywhere. A malformed `env_file` stays, for the schema to complain about.
 */
export async function foldEnvFiles(
  context: EnvFilesContext,
  tree: MapTree,
  variables: Variables,
): Promise<MapTree> {
  const machines = child(tree, 'machines');
  if (machines?.kind !== 'map') return tree;
  const folded = new Map<string, Tree>();
  for (const [name, { value }] of machines.entries) {
    const isNeeded = value.kind === 'map' && context.isEnabled(name, profilesOf(value));
    if (isNeeded) folded.set(name, await foldMachine(context, value, variables));
  }
  return withChild(
    tree,
    'machines',
    mapValues(machines, (machine, name) => folded.get(name) ?? machine),
  );
}

function profilesOf(machine: MapTree): readonly string[] {
  const written = child(machine, 'profiles');
  return written?.kind === 'sequence' ? written.items.map((item) => scalarText(item) ?? '') : [];
}

async function foldMachine(
  context: EnvFilesContext,
  machine: MapTree,
  variables: Variables,
): Promise<MapTree> {
  const references = envFileReferences(child(machine, 'env_file'));
  const built = withoutEmptyBuildValues(machine);
  if (!references) return withEnvironment(built, new Map());
  const entries = new Map<string, MapEntry>();
  for (const reference of references) {
    for (const { name, value, keySpan, span, variables: used } of await readEntries(
      context,
      reference,
      variables,
    )) {
      const scalar = { kind: 'scalar', span, value, isString: true, variables: used } as const;
      entries.set(name, { keySpan, value: scalar });
    }
  }
  return withEnvironment(withoutChild(built, 'env_file'), entries);
}

interface EnvFileReference {
  readonly path: string;
  readonly required: boolean;
  readonly isRaw: boolean;
  readonly span: Span;
}

async function readEntries(
  context: EnvFilesContext,
  reference: EnvFileReference,
  variables: Variables,
): Promise<readonly DotenvEntry[]> {
  const file = absolutePath(context.projectDirectory, reference.path);
  const isAbsent = (await context.files.kindOf(file)) === 'missing';
  if (isAbsent && !reference.required) return [];
  const source = await readSource(context, file, reference.span);
  if (!source.ok) {
    context.diagnostics.push(
      isAbsent
        ? errorDiagnostic('file-not-found', `there is no env file \`${reference.path}\``, {
            span: reference.span,
            hint: 'create it, or write `{ path: ..., required: false }`',
          })
        : source.error,
    );
    return [];
  }
  const parsed = reference.isRaw
    ? parseRawEnv(source.value, variables)
    : parseDotenv(source.value, variables);
  context.diagnostics.push(...parsed.diagnostics);
  return parsed.entries;
}

/** The files of an `env_file`; nothing unless all of it is well formed. */
function envFileReferences(written: Tree | undefined): EnvFileReference[] | undefined {
  if (!written) return undefined;
  const list = asList(written);
  if (list.kind !== 'sequence') return undefined;
  const references = list.items.map(envFileReference);
  const valid = references.filter((reference) => reference !== undefined);
  return valid.length === references.length ? valid : undefined;
}

function envFileReference(item: Tree): EnvFileReference | undefined {
  const path = item.kind === 'map' ? child(item, 'path') : item;
  if (path?.kind !== 'scalar' || typeof path.value !== 'string') return undefined;
  if (item.kind !== 'map') return { path: path.value, required: true, isRaw: false, span: item.span };
  const isKnown = [...item.entries.keys()].every((key) => /^(path|required|format|x-.*)$/.test(key));
  const required = scalarText(child(item, 'required')) ?? 'true';
  const format = scalarText(child(item, 'format'));
  if (!isKnown || !/^(true|false)$/.test(required) || (format !== undefined && format !== 'raw'))
    return undefined;
  return { path: path.value, required: required === 'true', isRaw: format === 'raw', span: path.span };
}

/** `environment` over the entries of env files; a name without value there takes none from an env file either. */
function withEnvironment(machine: MapTree, fromFiles: ReadonlyMap<string, MapEntry>): MapTree {
  const environment = child(machine, 'environment');
  if (environment && environment.kind !== 'map') return machine;
  if (!environment && fromFiles.size === 0) return machine;
  const entries = new Map(fromFiles);
  for (const [name, entry] of environment?.entries ?? []) entries.set(name, entry);
  const present = new Map([...entries].filter(([, { value }]) => !isNull(value)));
  const span = environment?.span ?? machine.span;
  const base: MapTree = environment ?? { kind: 'map', span, entries: new Map() };
  return withChild(machine, 'environment', { ...base, entries: present });
}

function withoutEmptyBuildValues(machine: MapTree): MapTree {
  const build = child(machine, 'build');
  const environment = child(build, 'environment');
  if (build?.kind !== 'map' || environment?.kind !== 'map') return machine;
  const present = new Map([...environment.entries].filter(([, { value }]) => !isNull(value)));
  return withChild(machine, 'build', withChild(build, 'environment', { ...environment, entries: present }));
}

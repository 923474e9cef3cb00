import { hasErrors, type Diagnostic, type Span } from '../base/diagnostic.ts';
import { err, ok, type Result } from '../base/result.ts';
import { grantsOf, type GrantValues, grantValues } from '../project/grant-values.ts';
import type { HostFacts } from '../project/host-facts.ts';
import type { Project } from '../project/project.ts';
import { resolveProject, type ResolveResult } from '../project/resolve.ts';
import { toPlain } from '../source/locate.ts';
import type { MapTree } from '../source/tree.ts';
import { COMMAND_LINE, overrideMachine, type MachineOverrides } from './command-line.ts';
import type { FileAccess } from './file-access.ts';
import { findProject, type FindRequest, type FoundProject } from './find.ts';
import { parseOnce, type LoadContext } from './layer.ts';
import { loadModel } from './model.ts';
import { child, scalarText } from './normalize.ts';
import { checkPaths } from './paths.ts';
import { nameOfDirectory, isProjectName } from './project-name.ts';
import { readSource } from './read.ts';
import type { KrunFile } from './schema.gen.ts';
import { inReadingOrder } from './reading-order.ts';
import { salvage } from './salvage.ts';
import { expandTemplate } from './template.ts';
import { unsupportedKeys } from './unsupported.ts';
import { validateTree } from './validate.ts';
import { layerVariables, variableRecord, type Variables } from './variables.ts';

/** What loading a project depends on, apart from its files. */
export interface LoadRequest extends FindRequest {
  /** `--profile`; KRUN_PROFILES where there is none. */
  readonly profiles: readonly string[];
  /** Machines named on the command line: their profiles are active. */
  readonly named?: readonly string[];
  readonly hostCpus: number;
  /** As Node says it: `x64` or `arm64`. */
  readonly hostArch?: string;
  readonly host: HostFacts;
  /** What `-f -` reads. */
  readonly stdin?: Uint8Array;
  /** What a command line says about one machine in place of the files. */
  readonly overrides?: { readonly machine: string } & MachineOverrides;
}

export interface LoadResult {
  /** Only where nothing is wrong. */
  readonly project?: Project;
  /** What the project's machines get beside it, which it must not hold itself; with a project. */
  readonly grantValues?: GrantValues;
  /** The merged file with positions, as far as loading came. */
  readonly tree?: MapTree;
  /** Errors and warnings in reading order. */
  readonly diagnostics: readonly Diagnostic[];
  /** Every text that was read, by absolute path. */
  readonly texts: ReadonlyMap<string, string>;
  /** Real path of the project directory, once it is known. */
  readonly directory?: string;
  /** Name that `-p` or KRUN_PROJECT_NAME gave. */
  readonly nameOverride?: string;
  /** What `${...}` could name, with where each value is from. */
  readonly variables?: Variables;
}

/** Reads a project from its files to the resolved form, and reports every mistake that can be told apart. */
export async function loadProject(request: LoadRequest, files: FileAccess): Promise<LoadResult> {
  const texts = new Map<string, string>();
  const found = await findProject({ ...request, isLenient: true }, files, texts);
  if (!found.ok) return { diagnostics: inReadingOrder(found.error, []), texts };

  const { directory, overrideName } = found.value;
  const profiles = activeProfiles(request, found.value.variables);
  const context: LoadContext = {
    files,
    texts,
    stdin: request.stdin,
    projectDirectory: directory,
    relativeTo: directory,
    isEnabled: isEnabledBy(profiles, request.named ?? []),
    incomplete: [],
    diagnostics: [...found.value.warnings, ...found.value.mistakes],
    parsed: new Map(),
    layers: new Map(),
  };
  const about = {
    texts,
    directory,
    ...(overrideName === undefined ? {} : { nameOverride: overrideName }),
  };
  const finish = (rest: Pick<LoadResult, 'project' | 'tree' | 'variables'>): LoadResult => {
    // What is not set may be set in a line of .env that was not understood.
    const { mistakes, files: order } = found.value;
    const told = context.diagnostics.filter(
      (diagnostic) =>
        diagnostic.code !== 'unset-variable' || mistakes.length === 0 || mistakes.includes(diagnostic),
    );
    const diagnostics = inReadingOrder(told, order);
    const { project, ...others } = rest;
    if (!project || hasErrors(diagnostics)) return { ...about, ...others, diagnostics };
    return { ...about, ...others, diagnostics, project, grantValues: valuesOf(project, rest) };
  };

  const name = await projectName(context, found.value);
  if (!name.ok) {
    context.diagnostics.push(name.error);
    return finish({});
  }
  const variables = layerVariables(
    found.value.variables,
    new Map([['KRUN_PROJECT_NAME', { value: name.value, origin: { kind: 'krun' as const } }]]),
  );
  const model = { files: found.value.files, directory, variables, trail: [] };
  const merged = await loadModel(context, model);
  if (!merged) return finish({ variables });
  const tree = overridden(merged, request, texts);
  const project = await checkAndResolve(context, tree, {
    profiles,
    request,
    found: found.value,
    name: name.value,
    variables,
  });
  return finish({ tree, variables, ...(project ? { project } : {}) });
}

function overridden(tree: MapTree, { overrides }: LoadRequest, texts: Map<string, string>): MapTree {
  if (!overrides) return tree;
  const changed = overrideMachine(tree, overrides.machine, overrides);
  texts.set(COMMAND_LINE, changed.text);
  return changed.tree;
}

function valuesOf(
  project: Project,
  { tree, variables }: Pick<LoadResult, 'tree' | 'variables'>,
): GrantValues {
  const machines = Object.values(project.machines);
  if (!tree || !variables || !machines.some((machine) => grantsOf(machine).length > 0)) return {};
  // The schema has accepted it.
  const file = toPlain(tree) as KrunFile;
  return grantValues(machines, file, variableRecord(variables));
}

interface ResolveContext {
  readonly request: LoadRequest;
  readonly found: FoundProject;
  readonly name: string;
  readonly profiles: readonly string[];
  readonly variables: Variables;
}

async function checkAndResolve(
  context: LoadContext,
  tree: MapTree,
  about: ResolveContext,
): Promise<Project | undefined> {
  const invalid = validateTree(tree);
  reportFurther(context, invalid);
  reportFurther(context, unsupportedKeys(tree));
  if (hasErrors(invalid)) {
    const rest = salvage(
      tree,
      ({ span }) => span && context.texts.get(span.file)?.slice(span.start, span.end),
    );
    if (rest) reportFurther(context, resolve(context, rest.tree, about).diagnostics.filter(rest.isGenuine));
    return undefined;
  }
  const resolved = resolve(context, tree, about);
  reportFurther(context, resolved.diagnostics);
  if (resolved.project) reportFurther(context, await checkPaths(resolved.project, tree, context.files));
  return resolved.project;
}

function resolve(
  { texts }: LoadContext,
  tree: MapTree,
  { request, found, name, profiles, variables }: ResolveContext,
): ResolveResult {
  return resolveProject({
    // The schema has accepted it.
    config: toPlain(tree) as KrunFile,
    tree,
    directory: found.directory,
    files: found.files,
    texts,
    name,
    profiles,
    hostCpus: request.hostCpus,
    host: request.host,
    environment: variableRecord(variables),
    ...(request.named === undefined ? {} : { named: request.named }),
    ...(found.overrideName === undefined ? {} : { nameOverride: found.overrideName }),
    ...(request.hostArch === undefined ? {} : { hostArch: request.hostArch }),
  });
}

/**
 * Adds what a later stage found, except about a value that an earlier stage refused, and about what a machine lacks
 * whose base could not be found: these are the same mistakes.
 */
function reportFurther(context: LoadContext, further: readonly Diagnostic[]): void {
  const { diagnostics, incomplete } = context;
  const refused = diagnostics.flatMap(({ severity, span }) => (severity === 'error' && span ? [span] : []));
  for (const diagnostic of further) {
    const { span, code } = diagnostic;
    const foretold = code === 'missing-key' ? [...refused, ...incomplete] : refused;
    if (!span || !foretold.some((other) => overlaps(span, other))) diagnostics.push(diagnostic);
  }
}

function overlaps(one: Span, other: Span): boolean {
  return one.file === other.file && one.start < other.end && other.start < one.end;
}

function activeProfiles(request: LoadRequest, variables: Variables): readonly string[] {
  if (request.profiles.length > 0) return request.profiles;
  const listed = variables.get('KRUN_PROFILES')?.value ?? '';
  return listed
    .split(',')
    .map((profile) => profile.trim())
    .filter((profile) => profile !== '');
}

function isEnabledBy(
  active: readonly string[],
  named: readonly string[],
): (machine: string, profiles: readonly string[]) => boolean {
  const isActive = (profile: string): boolean => active.includes(profile) || active.includes('*');
  return (machine, profiles) => profiles.length === 0 || named.includes(machine) || profiles.some(isActive);
}

/** Name given by the command line, by the last file that has one, or by the directory. */
async function projectName(context: LoadContext, found: FoundProject): Promise<Result<string, Diagnostic>> {
  if (found.overrideName !== undefined) return ok(found.overrideName);
  for (const file of found.files.toReversed()) {
    const source = await readSource(context, file);
    const tree = source.ok ? parseOnce(context, source.value) : undefined;
    const written = scalarText(child(tree, 'name'));
    if (written === undefined) continue;
    const name = expandTemplate(written, (variable) => found.variables.get(variable)?.value).text;
    // A name that is none is the schema's to refuse; until then any name does.
    if (isProjectName(name)) return ok(name);
    return ok('invalid');
  }
  const name = nameOfDirectory(found.directory);
  return name.ok ? name : err(name.error);
}

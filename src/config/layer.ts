import { errorDiagnostic, type Diagnostic, type Span } from '../base/diagnostic.ts';
import { parseYaml } from '../source/parse.ts';
import type { SourceFile } from '../source/source-file.ts';
import type { MapTree, Tree } from '../source/tree.ts';
import { interpolateTree } from './interpolate.ts';
import { child, environmentMap, mapValues, scalarText, withChild } from './normalize.ts';
import { readSource, type ReadContext } from './read.ts';
import { expandHome, rebasePaths, rewriteAt } from './rebase.ts';
import { usedVariables, type Variables } from './variables.ts';

/** What loading one project, with everything that it includes and extends, shares. */
export interface LoadContext extends ReadContext {
  /** Real path of the project directory; paths of files elsewhere are made absolute. */
  readonly projectDirectory: string;
  readonly diagnostics: Diagnostic[];
  /** Whether the active profiles include a machine; the env files of the others are not needed. */
  readonly isEnabled: (machine: string, profiles: readonly string[]) => boolean;
  /** Names of machines whose base is not known: what they lack, it may have. */
  readonly incomplete: Span[];
  /** Files as they are written, by path; nothing for a broken one. */
  readonly parsed: Map<string, MapTree | undefined>;
  /** Layers by variables, directory and file: one that is used twice is read, and complained about, once. */
  readonly layers: Map<Variables, Map<string, Promise<MapTree | undefined>>>;
}

/** How the text of one file becomes a layer. */
export interface LayerRequest {
  readonly file: string;
  /** Where relative paths of the file start. */
  readonly directory: string;
  readonly variables: Variables;
  /** Where another file names this one. */
  readonly reference?: Span | undefined;
}

/** One file as a tree: parsed, variables filled in, `environment` as a map, paths of foreign directories absolute. */
export function readLayer(context: LoadContext, request: LayerRequest): Promise<MapTree | undefined> {
  const key = `${request.directory}\0${request.file}`;
  const layers = context.layers.get(request.variables) ?? new Map<string, Promise<MapTree | undefined>>();
  context.layers.set(request.variables, layers);
  const layer = layers.get(key) ?? makeLayer(context, request);
  layers.set(key, layer);
  return layer;
}

async function makeLayer(context: LoadContext, request: LayerRequest): Promise<MapTree | undefined> {
  const { diagnostics, texts, projectDirectory } = context;
  const source = await readSource(context, request.file, request.reference);
  if (!source.ok) {
    diagnostics.push(source.error);
    return undefined;
  }
  const parsed = parseOnce(context, source.value);
  if (!parsed) return undefined;
  const interpolated = interpolateTree(parsed, request.variables, texts);
  diagnostics.push(...interpolated.diagnostics);
  if (interpolated.tree.kind !== 'map') return undefined;
  const layer = spelledModes(normalizeEnvironments(interpolated.tree, request.variables));
  const home = request.variables.get('HOME')?.value;
  const expanded = home && source.value.text.includes('~') ? expandHome(layer, home) : layer;
  return request.directory === projectDirectory ? expanded : rebasePaths(expanded, request.directory);
}

/** A file as it is written; its mistakes are reported once, however often it is used. */
export function parseOnce(context: LoadContext, source: SourceFile): MapTree | undefined {
  if (context.parsed.has(source.path)) return context.parsed.get(source.path);
  const { tree, diagnostics } = parseYaml(source);
  context.diagnostics.push(...diagnostics);
  if (tree && tree.kind !== 'map') context.diagnostics.push(notAMap(tree));
  const map = tree?.kind === 'map' ? tree : undefined;
  context.parsed.set(source.path, map);
  return map;
}

function notAMap(tree: Tree): Diagnostic {
  const kind = tree.kind === 'sequence' ? 'a list' : 'a single value';
  return errorDiagnostic('wrong-type', `the file holds ${kind}, not a map`, {
    span: tree.span,
    hint: 'a project file starts with `machines:`',
  });
}

/** `environment` of machines and builds: text values by name, inherited ones filled in. */
function normalizeEnvironments(tree: MapTree, variables: Variables): MapTree {
  const machines = child(tree, 'machines');
  if (machines?.kind !== 'map') return tree;
  const changed = mapValues(machines, (machine) => {
    if (machine.kind !== 'map') return machine;
    const build = child(machine, 'build');
    const built =
      build?.kind === 'map' ? withChild(machine, 'build', withEnvironment(build, variables)) : machine;
    return withEnvironment(built, variables);
  });
  return withChild(tree, 'machines', changed);
}

/** Modes of granted files keep their spelling: 0440 is not the number 440. */
function spelledModes(tree: MapTree): MapTree {
  const modes = ['secrets', 'configs'].map((kind) => ['machines', '*', kind, '[]', 'mode']);
  return modes.reduce((result, steps) => {
    const changed = rewriteAt(result, steps, (mode) => {
      const text = mode.kind === 'scalar' ? scalarText(mode) : undefined;
      return text === undefined ? mode : { ...mode, kind: 'scalar', value: text, isString: true };
    });
    return changed.kind === 'map' ? changed : result;
  }, tree);
}

function withEnvironment(holder: MapTree, variables: Variables): MapTree {
  const written = child(holder, 'environment');
  if (!written) return holder;
  const environment = environmentMap(written);
  if (environment.kind !== 'map') return holder;
  return withChild(
    holder,
    'environment',
    mapValues(environment, (value, name) => environmentValue(value, name, variables)),
  );
}

/** Numbers keep their spelling (`1.10`); a name without value takes krun's own, or stays empty. */
function environmentValue(value: Tree, name: string, variables: Variables): Tree {
  if (value.kind !== 'scalar' || value.tag === 'reset') return value;
  if (value.value === null) {
    const inherited = variables.get(name)?.value;
    return inherited === undefined
      ? value
      : { ...value, value: inherited, isString: true, variables: usedVariables([name], variables) };
  }
  return { ...value, value: scalarText(value) ?? '', isString: true };
}

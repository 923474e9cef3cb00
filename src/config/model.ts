import type { Span } from '../base/diagnostic.ts';
import type { MapTree } from '../source/tree.ts';
import { foldEnvFiles } from './env-files.ts';
import { resolveExtends } from './extends.ts';
import { dotenvOf, readEnvFiles } from './find.ts';
import { combine, includeCycle, includesOf, type Include } from './include.ts';
import { readLayer, type LoadContext } from './layer.ts';
import { mergeTrees, withoutMergeTags } from './merge.ts';
import { child, withoutChild } from './normalize.ts';
import { layerVariables, type Variables } from './variables.ts';

/** Files that are merged into one configuration: those of the project, or those of one include. */
export interface ModelRequest {
  readonly files: readonly string[];
  readonly directory: string;
  readonly variables: Variables;
  /** Where these files are included, and the files that lead there, from the outermost on. */
  readonly reference?: Span;
  readonly trail: readonly TrailStep[];
}

interface TrailStep {
  readonly file: string;
  readonly span?: Span | undefined;
}

/** Reads files, with all that they include and extend, into one tree. Nothing where a file could not be read. */
export async function loadModel(context: LoadContext, request: ModelRequest): Promise<MapTree | undefined> {
  const { variables, directory } = request;
  let merged: MapTree | undefined;
  let isComplete = true;
  for (const file of request.files) {
    const layer = await readLayer(context, { file, directory, variables, reference: request.reference });
    if (!layer) {
      isComplete = false;
      continue;
    }
    const included: MapTree[] = [];
    for (const include of includesOf(layer, directory)) {
      const model = await loadInclude(context, request, file, include);
      if (model) included.push(model);
      else isComplete = false;
    }
    const combined = combine(withoutWellFormedIncludes(layer, directory), included, context.diagnostics);
    const own = await resolveExtends(context, {
      layer: combined,
      file,
      directory,
      variables,
      earlier: merged,
    });
    const next = merged ? mergeTrees(merged, own) : own;
    if (next.kind === 'map') merged = next;
  }
  if (!merged || !isComplete) return undefined;
  const untagged = withoutMergeTags(merged);
  return untagged.kind === 'map' ? foldEnvFiles(context, untagged, variables) : undefined;
}

async function loadInclude(
  context: LoadContext,
  from: ModelRequest,
  fromFile: string,
  include: Include,
): Promise<MapTree | undefined> {
  const trail = [...from.trail, { file: fromFile, span: from.reference }];
  const start = trail.findIndex((step) => include.files.includes(step.file));
  const repeated = trail[start];
  if (repeated) {
    const [, ...between] = trail.slice(start);
    const edges = [{ file: repeated.file }, ...between, { file: repeated.file, span: include.span }];
    context.diagnostics.push(includeCycle(edges));
    return undefined;
  }
  const directory = await context.files.realPath(include.projectDirectory);
  const envFiles = include.envFiles ?? (await dotenvOf(directory, context.files));
  // What the including project sets wins over the env file of the included one.
  const read = await readEnvFiles(context, envFiles, from.variables, include.envFilesSpan);
  context.diagnostics.push(...read.diagnostics);
  const variables = layerVariables(read.variables, from.variables);
  return loadModel(context, { files: include.files, directory, variables, trail, reference: include.span });
}

/** What is left of `include` is malformed, for the schema to complain about. */
function withoutWellFormedIncludes(layer: MapTree, directory: string): MapTree {
  const written = child(layer, 'include');
  const isUnderstood =
    written?.kind === 'sequence' && written.items.length === includesOf(layer, directory).length;
  return isUnderstood ? withoutChild(layer, 'include') : layer;
}

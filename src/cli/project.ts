import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Diagnostic } from '../base/diagnostic.ts';
import { err, ok, type Result } from '../base/result.ts';
import { findProject, type FindRequest, type FoundProject } from '../config/find.ts';
import { nodeFiles } from '../host/node-files.ts';
import { type Layout, projectLayout } from '../store/layout.ts';
import { type Context, tell, tellJson, wantsJson } from './context.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';

/** Where the project of the command line keeps its state. Reads no configuration, so a broken one does not matter. */
export async function locateProject(context: Context): Promise<Result<Layout, ExitCode>> {
  const texts = new Map<string, string>();
  const found = await findProject({ ...findRequest(context), isLenient: true }, nodeFiles(), texts);
  if (found.ok) return ok(layoutOf(context, found.value));
  const abandoned = await locateByState(context, found.error);
  if (abandoned !== undefined) return ok(abandoned);
  await tellDiagnostics(context, found.error, texts);
  return err(EXIT.usage);
}

/** Machines may outlive their krun.yaml: without one, the state directory says where the project is. */
async function locateByState(context: Context, errors: readonly Diagnostic[]): Promise<Layout | undefined> {
  const { files, projectDirectory, projectName } = context.global;
  if (files.length > 0 || errors.some((error) => error.code !== 'file-not-found')) return undefined;
  const overrideName = projectName ?? (context.env['KRUN_PROJECT_NAME'] || undefined);
  for (
    let directory = path.resolve(context.cwd, projectDirectory ?? '.');
    ;
    directory = path.dirname(directory)
  ) {
    const layout = layoutOf(context, { directory, ...(overrideName !== undefined && { overrideName }) });
    if (existsSync(layout.projectFile)) return layout;
    if (directory === path.dirname(directory)) return undefined;
  }
}

export function layoutOf(context: Context, found: Pick<FoundProject, 'directory' | 'overrideName'>): Layout {
  return projectLayout(found.directory, found.overrideName, context.env, context.uid);
}

/** The global options in the words of the configuration loader. */
export function findRequest(context: Context): FindRequest {
  const { global } = context;
  return {
    workingDirectory: context.cwd,
    files: global.files,
    projectDirectory: global.projectDirectory,
    projectName: global.projectName,
    envFiles: global.envFiles,
    environment: context.env,
  };
}

/** Shows mistakes and warnings on stderr, with their places in the files. */
export async function tellDiagnostics(
  context: Context,
  diagnostics: readonly Diagnostic[],
  texts: ReadonlyMap<string, string> = new Map(),
): Promise<void> {
  if (diagnostics.length === 0) return;
  const { diagnosticJson, renderDiagnostics } = await import('../view/diagnostics.ts');
  if (wantsJson(context)) {
    for (const diagnostic of diagnostics) tellJson(context, diagnosticJson(diagnostic, texts));
    return;
  }
  tell(
    context,
    renderDiagnostics(diagnostics, texts, { color: context.stderr.color, relativeTo: context.cwd }),
  );
}

import os from 'node:os';
import { buffer } from 'node:stream/consumers';
import { err, ok, type Result } from '../base/result.ts';
import type { FileAccess } from '../config/file-access.ts';
import { loadProject, type LoadRequest, type LoadResult } from '../config/load.ts';
import { nodeFiles } from '../host/node-files.ts';
import type { HostFacts } from '../project/host-facts.ts';
import type { Project } from '../project/project.ts';
import type { Layout } from '../store/layout.ts';
import type { Context } from './context.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { hostFacts } from './host-facts.ts';
import { findRequest, layoutOf, tellDiagnostics } from './project.ts';

/** A project without mistakes, and where it keeps its state. */
export interface LoadedProject {
  readonly project: Project;
  readonly layout: Layout;
  readonly result: LoadResult;
}

/** Loads krun.yaml; mistakes and warnings are told, and mistakes end the command before anything has happened. */
export async function loadForCommand(
  context: Context,
  named: readonly string[],
  overrides?: LoadRequest['overrides'],
): Promise<Result<LoadedProject, ExitCode>> {
  const result = await loadConfiguration(context, named, { overrides });
  await tellDiagnostics(context, result.diagnostics, result.texts);
  const { project, directory, nameOverride } = result;
  if (project === undefined || directory === undefined) return err(EXIT.usage);
  const layout = layoutOf(context, {
    directory,
    ...(nameOverride !== undefined && { overrideName: nameOverride }),
  });
  return ok({ project, layout, result });
}

/** What loading depends on beside the files. */
export interface LoadOptions {
  /** This host when absent. */
  readonly host?: HostFacts;
  readonly overrides?: LoadRequest['overrides'] | undefined;
  /** The real file system when absent. */
  readonly files?: FileAccess;
}

/** Loads krun.yaml, for this host or another, and tells nothing. */
export async function loadConfiguration(
  context: Context,
  named: readonly string[],
  { host = hostFacts(context.env), overrides, files = nodeFiles() }: LoadOptions = {},
): Promise<LoadResult> {
  const { global } = context;
  return loadProject(
    {
      ...findRequest(context),
      profiles: global.profiles,
      named,
      hostCpus: os.availableParallelism(),
      hostArch: process.arch,
      host,
      ...(overrides && { overrides }),
      ...(global.files.includes('-') && { stdin: await buffer(context.stdin) }),
    },
    files,
  );
}

import { readdir } from 'node:fs/promises';
import { findProject } from '../config/find.ts';
import { unlessMissing } from '../host/errno.ts';
import { nodeFiles } from '../host/node-files.ts';
import type { Context } from './context.ts';
import { findRequest, layoutOf } from './project.ts';

/** What a half-written command line says about the project. */
export interface CompletionGlobals {
  readonly file?: string;
  readonly projectName?: string;
}

/** Names of the machines that have records; nothing where no project is found, for a tab must not print errors. */
export async function recordedMachines(
  context: Context,
  { file, projectName }: CompletionGlobals,
): Promise<readonly string[]> {
  const request = findRequest(context);
  const found = await findProject(
    {
      ...request,
      files: file === undefined ? request.files : [file],
      projectName: projectName ?? request.projectName,
    },
    nodeFiles(),
  );
  if (!found.ok) return [];
  const names = await unlessMissing(readdir(layoutOf(context, found.value).machinesDirectory));
  return (names ?? []).toSorted();
}

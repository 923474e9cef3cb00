import { loadProject, type LoadRequest, type LoadResult } from '../../../../src/config/load.ts';
import { renderDiagnostics } from '../../../../src/view/diagnostics.ts';
import { LINUX_HOST } from '../../../support/host-facts.ts';
import { memoryFiles } from './memory-files.ts';

/** Loads the project in /p from files in memory. */
export function load(
  files: Readonly<Record<string, string>>,
  request: Partial<LoadRequest> = {},
): Promise<LoadResult> {
  const whole: LoadRequest = {
    workingDirectory: '/p',
    files: [],
    envFiles: [],
    environment: {},
    profiles: [],
    hostCpus: 4,
    host: LINUX_HOST,
    ...request,
  };
  return loadProject(whole, memoryFiles({ '/p/rootfs/': '', ...files }));
}

/** What a user would read about the result. */
export function textOf(result: LoadResult): string {
  return renderDiagnostics(result.diagnostics, result.texts, { color: false, relativeTo: '/p' });
}

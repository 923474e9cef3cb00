import { readdir } from 'node:fs/promises';
import { findProject } from '../config/find.ts';
import { unlessMissing } from '../host/errno.ts';
import { nodeFiles } from '../host/node-files.ts';
import { child } from '../config/normalize.ts';
import type { Context } from './context.ts';
import { type GivenOptions, resolveGlobalOptions } from './global-options.ts';
import { loadConfiguration } from './load-project.ts';
import { findRequest, layoutOf } from './project.ts';

/** Names of the machines that have records; nothing where no project is found, for a tab must not print errors. */
export async function recordedMachines(context: Context, given: GivenOptions): Promise<readonly string[]> {
  const meant = withGlobals(context, given);
  const found = await findProject({ ...findRequest(meant), isLenient: true }, nodeFiles());
  if (!found.ok) return [];
  const names = await unlessMissing(readdir(layoutOf(meant, found.value).machinesDirectory));
  return (names ?? []).toSorted();
}

/** Names of the machines in krun.yaml, also of one that has mistakes elsewhere. */
export async function configuredMachines(context: Context, given: GivenOptions): Promise<readonly string[]> {
  // The terminal is the shell's at a tab.
  if (given.file?.includes('-')) return [];
  const { tree } = await loadConfiguration(withGlobals(context, given), []);
  const machines = child(tree, 'machines');
  return machines?.kind === 'map' ? [...machines.entries.keys()].toSorted() : [];
}

/** The options of the command line that is being written, not of `krun complete`. */
function withGlobals(context: Context, given: GivenOptions): Context {
  const global = resolveGlobalOptions(given, context.env);
  return typeof global === 'string' ? context : { ...context, global };
}

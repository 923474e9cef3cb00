import { readdir } from 'node:fs/promises';
import { findProject } from '../config/find.ts';
import { unlessMissing } from '../host/errno.ts';
import { nodeFiles } from '../host/node-files.ts';
import { child } from '../config/normalize.ts';
import { byGuestEnd, guestEnd } from '../view/port.ts';
import { publishedPorts } from '../view/ports.ts';
import type { Layout } from '../store/layout.ts';
import { readProjectState } from '../store/record-files.ts';
import type { MachineRecord } from '../store/records.ts';
import type { Context } from './context.ts';
import { type GivenOptions, resolveGlobalOptions } from './global-options.ts';
import { loadConfiguration } from './load-project.ts';
import { findRequest, layoutOf } from './project.ts';

/** Names of the machines that have records; nothing where no project is found, for a tab must not print errors. */
export async function recordedMachines(context: Context, given: GivenOptions): Promise<readonly string[]> {
  const layout = await layoutAt(context, given);
  if (layout === undefined) return [];
  return ((await unlessMissing(readdir(layout.machinesDirectory))) ?? []).toSorted();
}

/** Names of the networks that recorded machines are on. */
export async function recordedNetworks(context: Context, given: GivenOptions): Promise<readonly string[]> {
  const networks = (await records(context, given)).flatMap(({ definition }) => definition.networks);
  return [...new Set(networks.map(({ network }) => network.name))].toSorted();
}

/** What `krun port MACHINE` takes: `80/tcp`, and names of ports. The machine is among the words so far. */
export async function publishedTargets(
  context: Context,
  given: GivenOptions,
  words: readonly string[],
): Promise<readonly string[]> {
  const ports = (await records(context, given))
    .filter(({ machine }) => words.includes(machine))
    .flatMap((record) => publishedPorts(record).toSorted(byGuestEnd));
  return [
    ...new Set(ports.flatMap((port) => [...(port.name === undefined ? [] : [port.name]), guestEnd(port)])),
  ];
}

/** As they were written; a state that is seconds old is good enough at a tab. */
async function records(context: Context, given: GivenOptions): Promise<readonly MachineRecord[]> {
  const layout = await layoutAt(context, given);
  const state = layout && (await readProjectState(layout));
  return state?.ok ? Object.values(state.value.machines) : [];
}

async function layoutAt(context: Context, given: GivenOptions): Promise<Layout | undefined> {
  const meant = withGlobals(context, given);
  const found = await findProject({ ...findRequest(meant), isLenient: true }, nodeFiles());
  return found.ok ? layoutOf(meant, found.value) : undefined;
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

import type { HostFacts } from '../../project/host-facts.ts';
import type { HelperName, HelperPaths, Network, Project } from '../../project/project.ts';
import type { Context } from '../context.ts';
import { hostFacts } from '../host-facts.ts';
import { loadConfiguration } from '../load-project.ts';

/** What the networks of the project at hand need of the host. */
export interface NetworkNeeds {
  /** Programs that krun.yaml names. */
  readonly configured: HelperPaths;
  /** The networks that its machines are on; none without a project. */
  readonly networks: readonly Network[];
  /** Tap devices that it names. */
  readonly taps: readonly string[];
}

const NOTHING: NetworkNeeds = { configured: {}, networks: [], taps: [] };

/** Looks into krun.yaml, if there is one; its mistakes are not doctor's business. */
export async function networkNeeds(context: Context): Promise<NetworkNeeds> {
  // Standard input may be the terminal.
  if (context.global.files.includes('-')) return NOTHING;
  const host = hostFacts(context.env);
  const asItIs = await loadConfiguration(context, [], { host });
  // A project that lacks a helper is a mistake on this host; what it would be with all of them says what it lacks.
  const { project } = asItIs.project
    ? asItIs
    : await loadConfiguration(context, [], { host: withAllHelpers(host) });
  return project ? needsOf(project) : NOTHING;
}

function withAllHelpers(host: HostFacts): HostFacts {
  const found = { kind: 'found' } as const;
  return { ...host, helpers: { gvproxy: found, passt: found, 'vmnet-helper': found } };
}

function needsOf(project: Project): NetworkNeeds {
  const machines = Object.values(project.machines);
  const attachments = machines.flatMap(({ networks }) => networks);
  const networks = new Map(attachments.map(({ network }) => [network.name, network]));
  const taps = attachments.flatMap(({ network, interface: own }) =>
    network.driver === 'tap' ? (own ?? network.interface ?? []) : [],
  );
  return {
    configured: machines[0]?.helpers ?? {},
    networks: [...networks.values()],
    taps: [...new Set(taps)].toSorted(),
  };
}

/** Names of the networks with a driver that is one of these. */
export function networksWith(needs: NetworkNeeds, driver: Network['driver']): readonly string[] {
  return needs.networks.filter((network) => network.driver === driver).map(({ name }) => name);
}

/** The driver that a helper is for. */
export const DRIVER_OF: Readonly<Record<HelperName, Network['driver']>> = {
  gvproxy: 'gvproxy',
  passt: 'passt',
  'vmnet-helper': 'vmnet',
};

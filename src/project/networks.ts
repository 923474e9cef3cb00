import type { KrunFile } from '../config/schema.gen.ts';
import { type ProjectKey, reportWithoutInterface, resolveAttachment } from './attachment.ts';
import { chooseDriver, type DriverChoice, HelperNeeds } from './driver-choice.ts';
import { type Exposed, warnOfExposure } from './exposure.ts';
import { checkHostPorts, warnOfSystemPorts } from './host-ports.ts';
import { defineNetwork, type NetworkScope } from './network-definition.ts';
import { checkMembers, checkSubnets, type PlacedAttachment } from './network-checks.ts';
import {
  attachmentWishes,
  type MachineWish,
  namedNetworks,
  networkOf,
  networkNames,
  type NetworkWish,
  networkWishes,
} from './network-wishes.ts';
import type { Place } from './place.ts';
import { resolvePorts } from './ports.ts';
import type { Attachment, HelperPaths, Network, NetworkChoice, Port } from './project.ts';
import { type PlacedPort, publishPorts } from './published-ports.ts';
import { chooseSubnets } from './subnet-choice.ts';
import { writtenSubnet } from './written-subnet.ts';

export interface NetworksScope extends NetworkScope {
  readonly file: KrunFile;
  readonly enabled: ReadonlySet<string>;
  readonly configured: HelperPaths;
  readonly project: ProjectKey;
}

/** What a machine has of networks. */
export interface MachineNetworks {
  readonly networks: readonly Attachment[];
  readonly ports: readonly Port[];
}

export interface ResolvedNetworks {
  readonly choices: Readonly<Record<string, NetworkChoice>>;
  readonly machines: ReadonlyMap<string, MachineNetworks>;
}

interface Chosen {
  readonly wish: NetworkWish;
  readonly choice: DriverChoice;
}

/** The networks of a project, who is on them, and what is published through them. Mistakes are reported at their places. */
export function resolveNetworks(scope: NetworksScope, root: Place): ResolvedNetworks {
  const wishes = machineWishes(scope, root.child('machines'));
  const nets = networkWishes(wishes, scope.file, root.child('networks'));
  const chosen = chooseDrivers(nets, wishes, scope);
  const networks = defineNetworks(chosen, scope, root.child('networks'));
  const attachments = wishes.flatMap((wish) => attach(wish, networks, scope));
  checkMembers(attachments, nets);
  const ofMachine = grouped(attachments, ({ wish }) => wish.machine);
  const attachmentsOf = (machine: string): readonly Attachment[] =>
    (ofMachine.get(machine) ?? []).map(({ attachment }) => attachment);
  const ports = wishes.flatMap((wish) =>
    publishPorts({ ...wish, attachments: attachmentsOf(wish.machine), off: turnedOffAt(wish, root) }),
  );
  checkHostPorts(ports);
  warnOfSystemPorts(ports, scope.host.firstOpenPort);
  // A machine on two of these networks has been told so.
  warnOfExposure(
    [...ofMachine.values()].flatMap((all) => all.flatMap((one) => exposed(one, chosen) ?? []).slice(0, 1)),
  );
  const portsOf = grouped(ports, ({ machine }) => machine);
  const choices = [...chosen].map(([name, { choice }]) => [name, choice] as const);
  return {
    choices: Object.fromEntries(choices.toSorted(([a], [b]) => (a < b ? -1 : 1))),
    machines: new Map(
      wishes.map(({ machine }) => [
        machine,
        { networks: attachmentsOf(machine), ports: sortedPorts(portsOf.get(machine) ?? []) },
      ]),
    ),
  };
}

function grouped<T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
}

function machineWishes({ file, enabled, ...scope }: NetworksScope, at: Place): readonly MachineWish[] {
  return Object.entries(file.machines)
    .filter(([name]) => enabled.has(name))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([machine, config]) => ({
      machine,
      hostname: config.hostname ?? machine,
      at: at.child(machine),
      attachments: attachmentWishes(config, file, at.child(machine, 'networks')),
      hasUnknownNetwork: namedNetworks(config).some((name) => !networkNames(file).includes(name)),
      ports: resolvePorts(config.ports ?? [], scope, at.child(machine, 'ports')),
    }));
}

function chooseDrivers(
  nets: readonly NetworkWish[],
  wishes: readonly MachineWish[],
  { host, configured, file }: NetworksScope,
): ReadonlyMap<string, Chosen> {
  const needs = new HelperNeeds(host, configured);
  const isOpen = (name: string): boolean => networkOf(file, name).driver !== 'none';
  const used = wishes.flatMap((wish) => wish.attachments.filter(({ network }) => isOpen(network)));
  const chosen = nets.flatMap((wish): [string, Chosen][] => {
    const choice = chooseDriver(wish, { host, configured, isOnlyNetwork: used.length === 1 }, needs);
    return choice ? [[wish.name, { wish, choice }]] : [];
  });
  needs.report();
  return new Map(chosen);
}

/** The definitions of all networks that have a driver. */
function defineNetworks(
  chosen: ReadonlyMap<string, Chosen>,
  scope: NetworksScope,
  at: Place,
): ReadonlyMap<string, Network> {
  const subnets = subnetsOf(chosen, scope, at);
  return new Map(
    [...chosen].map(([name, { wish, choice }]) => {
      const base = { wish, driver: choice.driver, subnet: subnets.get(name) };
      return [name, defineNetwork(base, scope)];
    }),
  );
}

/** Also networks that no enabled machine is on count: a profile must not move the others to new addresses. */
function subnetsOf(
  chosen: ReadonlyMap<string, Chosen>,
  { file }: NetworksScope,
  at: Place,
): ReturnType<typeof chooseSubnets> {
  const together = new Set<string>();
  for (const machine of Object.values(file.machines)) {
    const names = namedNetworks(machine);
    for (const one of names) for (const other of names) together.add(`${one} ${other}`);
  }
  const areNeighbours = (one: string, other: string): boolean => together.has(`${one} ${other}`);
  const wishes = networkNames(file).map((name) => {
    const config = networkOf(file, name);
    const driver = chosen.get(name)?.choice.driver ?? config.driver ?? 'auto';
    return {
      name,
      written: writtenSubnet(config, at.child(name)),
      isChosen: ['auto', 'gvproxy', 'passt'].includes(driver),
    };
  });
  const subnets = chooseSubnets(wishes, areNeighbours);
  checkSubnets(subnets, areNeighbours, { chosen, at });
  return subnets;
}

function attach(
  wish: MachineWish,
  networks: ReadonlyMap<string, Network>,
  { project, file }: NetworksScope,
): readonly PlacedAttachment[] {
  return wish.attachments.flatMap((attachment) => {
    const network = networks.get(attachment.network);
    if (!network) {
      if (networkOf(file, attachment.network).driver === 'none') {
        reportWithoutInterface(attachment, 'the driver `none`');
      }
      return [];
    }
    return [
      {
        wish,
        place: attachment.place,
        attachment: resolveAttachment(attachment, wish.machine, network, project),
      },
    ];
  });
}

/** Where a machine without networks is told so: in its own list, or in a network with `driver: none`. */
function turnedOffAt({ at, attachments: [first] }: MachineWish, root: Place): Place {
  return first ? root.child('networks', first.network, 'driver') : at.child('networks');
}

/** By the port of the host; free ones, and sockets, behind. */
function sortedPorts(ports: readonly PlacedPort[]): readonly Port[] {
  const hostOf = (port: Port): number => ('host' in port && port.host !== 'auto' ? port.host : 65_536);
  return ports.map(({ port }) => port).toSorted((a, b) => hostOf(a) - hostOf(b) || a.guest - b.guest);
}

function exposed(
  { wish, attachment: { network } }: PlacedAttachment,
  chosen: ReadonlyMap<string, Chosen>,
): Exposed | undefined {
  if (network.driver !== 'tsi' || !network.hijack.includes('inet')) return undefined;
  const { machine, at, ports } = wish;
  const { why } = chosen.get(network.name)?.choice ?? {};
  return { machine, place: at.child(ports.length > 0 ? 'ports' : 'networks'), why };
}

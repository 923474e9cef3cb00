import { formatIpv4, gatewayAddress, netmask, parseIpv4, type Subnet } from '../base/ipv4.ts';
import { findHelper, missingHelper } from '../host/helpers.ts';
import type {
  GuestInterface,
  GuestNetwork,
  SpecBackend,
  SpecInterface,
  SpecNetwork,
} from '../machine/spec.ts';
import type { BoundHostPort } from '../network/api.ts';
import { portCarrier } from '../project/port-carrier.ts';
import type {
  Attachment,
  HelperName,
  InterfaceNetwork,
  Machine,
  Network,
  PasstNetwork,
  VmnetNetwork,
} from '../project/project.ts';
import { linkSocket, type Layout } from '../store/layout.ts';
import type { Endpoint } from '../store/records.ts';
import { nameUuid } from './name-uuid.ts';
import { ActionFailure } from './failure.ts';
import { leasedSubnet } from './lease-addresses.ts';

/** What the network part of a spec is made from. */
export interface NetworkInput {
  readonly layout: Layout;
  readonly definition: Machine;
  readonly endpoint: Endpoint;
  /** The other machines of the project. */
  readonly neighbours: readonly Machine[];
}

type Guest = Exclude<Network, { readonly driver: 'tsi' }>;

/** An interface of the guest, as all that is known of it. */
interface Link {
  readonly attachment: Attachment;
  readonly network: Guest;
  readonly device: string;
  /** With prefix length. */
  readonly address?: string;
  readonly gateway?: string;
}

/** What libkrun is told: interfaces in the guest's order, TSI, and the ports that the machine itself holds. */
export function specNetwork(input: NetworkInput): SpecNetwork {
  const { definition, endpoint } = input;
  const carrier = portCarrier(definition.networks)?.network.driver;
  const bound = endpoint.ports.flatMap((port) => ('host' in port ? [port] : []));
  const isOwn = carrier === 'tsi' || carrier === 'passt';
  const tsi = definition.networks.find(({ network }) => network.driver === 'tsi')?.network;
  const tsiPorts = carrier === 'tsi' ? bound.map(({ host, guest }) => ({ host, guest })) : [];
  return {
    ...(tsi?.driver === 'tsi' ? { tsi: { hijack: tsi.hijack, ports: tsiPorts } } : {}),
    interfaces: links(input).map((link) => specInterface(link, input)),
    // What a network process holds changes while the machine runs.
    hostPorts: isOwn ? bound.map(({ host, protocol }) => ({ host, protocol })) : [],
  };
}

/** What the guest is told. */
export function guestNetwork(input: NetworkInput): GuestNetwork {
  const all = links(input);
  // Others' DHCP servers bring a way out; of two, the first is it.
  const wayOut = all.find(
    ({ network, address, gateway }) =>
      gateway !== undefined ||
      (address === undefined && !(network.driver === 'vmnet' && network.mode === 'host')),
  );
  const interfaces = all.map(({ device, network, address, gateway }, index): GuestInterface => ({
    device,
    mtu: network.mtu,
    ...(address === undefined ? {} : { address }),
    ...(gateway !== undefined && wayOut === all[index] ? { gateway } : {}),
  }));
  return {
    interfaces,
    nameservers: unique(all.flatMap(nameservers)),
    searchDomains: unique(all.flatMap(searchDomains)),
    hosts: hostsLines(all, input),
  };
}

function links({ definition, endpoint }: NetworkInput): readonly Link[] {
  return definition.networks.flatMap((attachment) => {
    const { network } = attachment;
    const known = endpoint.interfaces.find((one) => one.network === network.name);
    if (network.driver === 'tsi' || !known) return [];
    const gateway = gatewayOf(network);
    return [
      {
        attachment,
        network,
        device: known.device,
        ...(known.ip === undefined ? {} : { address: `${known.ip}/${prefixOf(network)}` }),
        ...(gateway === undefined || known.ip === undefined ? {} : { gateway }),
      },
    ];
  });
}

/** The address of the way out, where krun knows it. */
function gatewayOf(network: Guest): string | undefined {
  switch (network.driver) {
    case 'gvproxy':
    case 'passt': {
      const subnet = leasedSubnet(network);
      return subnet && formatIpv4(gatewayAddress(subnet));
    }
    case 'vmnet':
      // A network of mode host leads nowhere else.
      return network.mode === 'host' ? undefined : network.addresses?.start;
    case 'tap':
    case 'unixstream':
    case 'unixgram':
    case 'socket_vmnet':
      return network.gateway;
  }
}

/** Where the file gives an address and nothing of its network, it is one of 256. */
const USUAL_PREFIX = 24;

function prefixOf(network: Guest): number {
  if (network.driver === 'vmnet' && network.addresses) return prefixOfMask(network.addresses.mask);
  return leasedSubnet(network)?.prefix ?? USUAL_PREFIX;
}

function prefixOfMask(text: string): number {
  const mask = parseIpv4(text);
  const prefixes = Array.from({ length: 33 }, (_, prefix) => prefix);
  return prefixes.find((prefix) => netmask({ base: 0, prefix } satisfies Subnet) === mask) ?? USUAL_PREFIX;
}

function specInterface(link: Link, input: NetworkInput): SpecInterface {
  const { attachment, network } = link;
  return {
    mac: attachment.mac,
    offloading: network.offloading,
    // The script of a guest that has one sets the address that is known here.
    dhcp: link.address === undefined || !input.definition.agent,
    backend: backend(link, input),
  };
}

function backend(link: Link, { layout, definition, endpoint }: NetworkInput): SpecBackend {
  const { network, attachment } = link;
  switch (network.driver) {
    case 'gvproxy':
      return { kind: 'unixstream', path: linkSocket(layout, network.name, definition.name) };
    case 'passt':
      return passt(link, network, definition, endpoint);
    case 'vmnet':
      return vmnet(network, layout, definition);
    case 'socket_vmnet':
      return { kind: 'unixstream', path: network.socket };
    case 'tap':
      return { kind: 'tap', interface: tapInterface(attachment, network.interface) };
    case 'unixstream':
      return { kind: 'unixstream', path: network.socket };
    case 'unixgram':
      return { kind: 'unixgram', path: network.socket, vfkitMagic: network.vfkitMagic };
  }
}

function passt(link: Link, network: PasstNetwork, definition: Machine, endpoint: Endpoint): SpecBackend {
  const { address, gateway } = link;
  if (address === undefined || gateway === undefined) {
    throw new ActionFailure(`network ${network.name} has no subnet`);
  }
  const { mtu, hostAccess, dns, dnsSearch } = network;
  const publishes = portCarrier(definition.networks) === link.attachment;
  const ports = endpoint.ports.filter((port): port is BoundHostPort => 'host' in port);
  return {
    kind: 'passt',
    program: program('passt', definition),
    address,
    gateway,
    mtu,
    hostAccess,
    dns,
    dnsSearch,
    ports: publishes ? ports : [],
  };
}

function vmnet(network: VmnetNetwork, layout: Layout, definition: Machine): SpecBackend {
  const { mode, isolation, addresses } = network;
  return {
    kind: 'vmnet-helper',
    program: program('vmnet-helper', definition),
    mode,
    ...(network.interface === undefined ? {} : { interface: network.interface }),
    isolation,
    ...(addresses === undefined ? {} : { addresses }),
    interfaceId: nameUuid(`${layout.id} ${network.name} ${definition.name}`),
  };
}

function tapInterface(attachment: Attachment, ofNetwork: string | undefined): string {
  const name = attachment.interface ?? ofNetwork;
  if (name !== undefined) return name;
  throw new ActionFailure(
    `network ${attachment.network.name} names no tap device`,
    'write `interface` for the network, or for the machine on it',
  );
}

function program(name: HelperName, { helpers }: Machine): string {
  const found = findHelper(name, helpers, process.env);
  if (found?.kind === 'found') return found.path;
  const { message, hint } = missingHelper(name, found);
  throw new ActionFailure(message, hint);
}

/** Those of the file, else the one that the network brings. Where a DHCP server decides, it names them too. */
function nameservers({ network, gateway }: Link): readonly string[] {
  if (network.dns.length > 0) return network.dns;
  const answers = network.driver === 'gvproxy' || network.driver === 'passt';
  return answers && gateway !== undefined ? [gateway] : [];
}

const OWN_DOMAIN = 'krun.internal';

function searchDomains({ network }: Link): readonly string[] {
  return network.driver === 'gvproxy' ? [OWN_DOMAIN, ...network.dnsSearch] : network.dnsSearch;
}

/** Names that no switch of krun answers. */
function hostsLines(all: readonly Link[], { definition, neighbours }: NetworkInput): GuestNetwork['hosts'] {
  const others = all.flatMap(({ network }) =>
    isAnswered(network) ? [] : fixedNeighbours(network, neighbours),
  );
  const host = hostOf(all, definition);
  const own = host === undefined ? [] : [{ ip: host, names: [`host.${OWN_DOMAIN}`] }];
  return [...own, ...others];
}

/** The switch answers names; machines behind passt do not see each other. */
function isAnswered({ driver }: InterfaceNetwork & { readonly driver: string }): boolean {
  return driver === 'gvproxy' || driver === 'passt';
}

function fixedNeighbours(network: Guest, neighbours: readonly Machine[]): GuestNetwork['hosts'] {
  return neighbours.flatMap(({ name, networks }) =>
    networks.flatMap((attachment) => {
      const { ip, aliases } = attachment;
      if (attachment.network.name !== network.name || ip === undefined) return [];
      return [{ ip, names: [name, `${name}.${OWN_DOMAIN}`, ...aliases] }];
    }),
  );
}

/** Under which address the guest reaches the host, where no switch of krun tells it. */
function hostOf(all: readonly Link[], { networks }: Machine): string | undefined {
  if (all.some(({ network }) => network.driver === 'gvproxy')) return undefined;
  const passtLink = all.find(({ network }) => network.driver === 'passt' && network.hostAccess);
  if (passtLink) return passtLink.gateway;
  // TSI connects from the host itself.
  return networks.some(({ network }) => network.driver === 'tsi') ? '127.0.0.1' : undefined;
}

function unique(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)];
}

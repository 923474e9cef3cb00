import {
  broadcastAddress,
  contains,
  formatIpv4,
  formatSubnet,
  gatewayAddress,
  hostAddress,
  parseIpv4,
  parseSubnet,
  type Subnet,
} from '../base/ipv4.ts';
import { macAddress } from './mac.ts';
import { resolveAliases } from './network-names.ts';
import type { AttachmentWish } from './network-wishes.ts';
import type { Place } from './place.ts';
import type { Attachment, Network } from './project.ts';

/** What tells a project from all others. */
export interface ProjectKey {
  readonly directory: string;
  readonly nameOverride?: string | undefined;
}

/** A machine on a network, with every default filled in. */
export function resolveAttachment(
  wish: AttachmentWish,
  machine: string,
  network: Network,
  project: ProjectKey,
): Attachment {
  const { options, place } = wish;
  if (network.driver === 'tsi') {
    reportWithoutInterface(wish, 'TSI');
    return { network, mac: '', aliases: [] };
  }
  const ip = resolveIp(options.ip, network, place.child('ip'));
  if (options.interface !== undefined && network.driver !== 'tap') {
    place.child('interface').keyError('conflict', '`interface` belongs to networks with the driver `tap`', {
      hint: 'remove it',
    });
  }
  return {
    network,
    mac:
      options.mac === undefined
        ? macAddress({ ...project, network: network.name, machine })
        : resolveMac(options.mac, place.child('mac')),
    ...(ip === undefined ? {} : { ip }),
    aliases: resolveAliases(options.aliases ?? [], { network, ip, at: place.child('aliases') }),
    ...(network.driver === 'tap' ? tapInterface(wish, machine, network) : {}),
  };
}

/** Reports options of an interface where there is none. */
export function reportWithoutInterface({ options, place }: AttachmentWish, what: string): void {
  for (const key of ['mac', 'ip', 'aliases', 'interface'] as const) {
    if (options[key] === undefined) continue;
    place.child(key).keyError('conflict', `${what} gives the guest no interface that could have \`${key}\``, {
      hint: 'remove it, or choose another `driver` for the network',
    });
  }
}

function resolveMac(text: string, at: Place): string {
  const mac = text.toLowerCase();
  const first = Number.parseInt(mac.slice(0, 2), 16);
  if (first % 2 === 1) {
    at.error('invalid-value', `${mac} is a multicast address, not that of an interface`, {
      hint: `the first pair has to be even, such as in ${(first - 1).toString(16).padStart(2, '0')}${mac.slice(2)}`,
    });
  } else if (mac === '00:00:00:00:00:00') {
    at.error('invalid-value', `${mac} is not the address of an interface`, { hint: 'remove it' });
  }
  return mac;
}

/** Addresses of a network as far as krun knows them, with those that no machine can have. */
interface AddressSpace {
  readonly subnet: Subnet;
  readonly taken: ReadonlyMap<number, string>;
}

function addressSpace(network: Network): AddressSpace | undefined {
  if (network.driver === 'tsi') return undefined;
  const [subnet, gateway] = spaceOf(network);
  if (!subnet) return undefined;
  const taken = new Map([
    [subnet.base, 'the network itself'],
    [broadcastAddress(subnet), 'broadcasts'],
  ]);
  if (gateway !== undefined) taken.set(gateway, 'the gateway');
  if (network.driver === 'gvproxy' || network.driver === 'passt') taken.set(hostAddress(subnet), 'the host');
  return { subnet, taken };
}

function spaceOf(network: Exclude<Network, { driver: 'tsi' }>): [Subnet | undefined, number | undefined] {
  switch (network.driver) {
    case 'gvproxy':
    case 'passt': {
      const subnet = parseSubnet(network.subnet);
      return [subnet, subnet && gatewayAddress(subnet)];
    }
    case 'vmnet': {
      const { addresses } = network;
      return addresses ? [vmnetSubnet(addresses), parseIpv4(addresses.start)] : [undefined, undefined];
    }
    case 'socket_vmnet':
    case 'tap':
    case 'unixstream':
    case 'unixgram':
      return [
        network.subnet === undefined ? undefined : parseSubnet(network.subnet),
        network.gateway === undefined ? undefined : parseIpv4(network.gateway),
      ];
  }
}

/** The subnet that vmnet makes of its first address and its mask. */
export function vmnetSubnet({ start, mask }: { readonly start: string; readonly mask: string }): Subnet {
  const bits = parseIpv4(mask) ?? 0;
  return { base: ((parseIpv4(start) ?? 0) & bits) >>> 0, prefix: Math.clz32(~bits) };
}

function resolveIp(text: string | undefined, network: Network, at: Place): string | undefined {
  if (text === undefined) return undefined;
  const address = parseIpv4(text);
  if (address === undefined) {
    at.error('invalid-value', `"${text}" is not an IPv4 address`, {
      hint: 'write an address such as 192.168.127.10',
    });
    return undefined;
  }
  const space = addressSpace(network);
  if (!space) {
    at.keyError('conflict', `krun does not know the addresses of network \`${network.name}\``, {
      hint: hintForSpace(network),
    });
    return text;
  }
  const { subnet, taken } = space;
  const owner = taken.get(address);
  if (!contains(subnet, address)) {
    at.error(
      'conflict',
      `${text} is not in ${formatSubnet(subnet)}, the subnet of network \`${network.name}\``,
      {
        hint: `write an address such as ${formatIpv4(subnet.base + 10)}, or set the \`subnet\` of the network`,
      },
    );
  } else if (owner !== undefined) {
    at.error('conflict', `no machine can have ${text}: it is the address of ${owner}`, {
      hint: `write an address from ${formatIpv4(subnet.base + 2)} to ${formatIpv4(hostAddress(subnet) - 1)}`,
    });
  }
  warnOfDhcpRange(address, network, at);
  return text;
}

function hintForSpace(network: Network): string {
  if (network.driver !== 'vmnet') return 'add `subnet` to the network';
  if (network.mode === 'bridged') return 'remove `ip`: the network of the interface gives the addresses';
  return 'add `start_address`, `end_address` and `subnet_mask` to the network';
}

/** The DHCP server of vmnet does not know what krun gave away. */
function warnOfDhcpRange(address: number, network: Network, at: Place): void {
  if (network.driver !== 'vmnet' || !network.addresses) return;
  const [start, end] = [parseIpv4(network.addresses.start), parseIpv4(network.addresses.end)];
  if (start === undefined || end === undefined || address <= start || address > end) return;
  at.warning('conflict', `macOS may give ${formatIpv4(address)} to another machine`, {
    hint: `write an address after \`end_address\`, which is ${network.addresses.end}`,
  });
}

function tapInterface(
  { options, place }: AttachmentWish,
  machine: string,
  network: Extract<Network, { driver: 'tap' }>,
): Pick<Attachment, 'interface'> {
  if (options.interface !== undefined) return { interface: options.interface };
  if (network.interface === undefined) {
    place.keyError('missing-key', `\`${machine}\` has no tap device on network \`${network.name}\``, {
      hint: `write \`networks: { ${network.name}: { interface: tap0 } }\` in the machine`,
    });
  }
  return {};
}

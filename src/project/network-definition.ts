import { contains, formatIpv4, formatSubnet, parseIpv4, type Subnet } from '../base/ipv4.ts';
import type { NetworkConfigLong } from '../config/schema.gen.ts';
import { OWN_SOCKET_SUFFIX } from '../vm/own-socket.ts';
import type { HostFacts } from './host-facts.ts';
import { type HostScope, resolveHostPath } from './host-path.ts';
import { canonicalAddress, isIpv6 } from './ip-address.ts';
import type { NetworkWish } from './network-wishes.ts';
import type { Place } from './place.ts';
import type { InterfaceNetwork, Network, NetworkDriver } from './project.ts';
import { boolOr, countOr } from './scalars.ts';
import { checkSocketPath } from './socket-path.ts';

export interface NetworkScope extends HostScope {
  readonly host: HostFacts;
}

/** What is known of a network before its options are read. */
export interface NetworkBase {
  readonly wish: NetworkWish;
  readonly driver: NetworkDriver;
  /** Written or chosen; vmnet has its own form. */
  readonly subnet: Subnet | undefined;
}

/** Where socket_vmnet listens when nothing else is said. */
const SOCKET_VMNET = '/var/run/socket_vmnet';

const USUAL_MTU = 1500;
const LARGEST_MTU = 65_520;

/** One network with every default filled in; mistakes are reported at their places. */
export function defineNetwork(base: NetworkBase, scope: NetworkScope): Network {
  const { wish, driver, subnet } = base;
  const { name, config, place } = wish;
  const hostAccess = boolOr(config.host_access, true);
  const net = subnet && formatSubnet(subnet);
  switch (driver) {
    case 'tsi':
      return { driver, name, hijack: resolveHijack(config, scope.host.platform, place) };
    case 'gvproxy':
      checkSharedOffloading(wish);
      return { driver, ...interfaceOptions(base), subnet: net ?? '', hostAccess };
    case 'passt':
      return { driver, ...interfaceOptions(base), subnet: net ?? '', hostAccess };
    case 'vmnet':
      return { driver, ...interfaceOptions(base), ...vmnetOptions(config, subnet) };
    case 'tap': {
      const device = config.interface === undefined ? {} : { interface: config.interface };
      return { driver, ...interfaceOptions(base), ...device, ...addressing(base) };
    }
    case 'socket_vmnet':
    case 'unixstream':
    case 'unixgram': {
      const written = config.socket ?? scope.host.socketVmnet ?? SOCKET_VMNET;
      const socket = resolveHostPath(written, scope, place.child('socket'));
      checkSocketPath(socket, place.child('socket'), driver === 'unixgram' ? OWN_SOCKET_SUFFIX.length : 0);
      const common = { ...interfaceOptions(base), socket, ...addressing(base) };
      if (driver === 'socket_vmnet') return { driver, ...common };
      return { driver, ...common, vfkitMagic: boolOr(config.vfkit_magic, false) };
    }
  }
}

function interfaceOptions({ wish, driver }: NetworkBase): InterfaceNetwork {
  const { name, config, place } = wish;
  // passt alone does its part by itself, and for one machine.
  const offloading = boolOr(config.offloading, driver === 'passt');
  const mtu = countOr(config.mtu, driver === 'passt' && offloading ? LARGEST_MTU : USUAL_MTU);
  if (mtu > USUAL_MTU && !offloading) {
    place
      .child('mtu')
      .warning('limit', `without offloading a guest receives no packets above ${USUAL_MTU} bytes`, {
        hint: 'write `offloading: true`, or leave `mtu` out',
      });
  }
  return {
    name,
    mtu,
    offloading,
    dns: (config.dns ?? []).flatMap((text, index) => nameserver(text, driver, place.child('dns', index))),
    dnsSearch: (config.dns_search ?? []).map((text, index) =>
      searchDomain(text, place.child('dns_search', index)),
    ),
  };
}

function nameserver(text: string, driver: NetworkDriver, at: Place): readonly string[] {
  const address = canonicalAddress(text);
  if (address === undefined) {
    at.error('invalid-value', `"${text}" is not an IP address`, {
      hint: 'write the address of a name server, such as 1.1.1.1',
    });
    return [];
  }
  if (isIpv6(address) && (driver === 'gvproxy' || driver === 'passt')) {
    at.error('conflict', `the guests cannot reach ${address}: the network has IPv4 addresses only`, {
      hint: 'write the IPv4 address of a name server',
    });
  }
  return [address];
}

function searchDomain(text: string, at: Place): string {
  const domain = text.replace(/\.$/, '');
  const isDomain = domain.length <= 253 && domain.split('.').every((label) => /^[\w-]{1,63}$/.test(label));
  if (!isDomain) {
    at.error('invalid-value', `"${text}" is not a domain`, { hint: 'write a domain such as corp.example' });
  }
  return domain.toLowerCase();
}

/** What one guest leaves to the host, another guest would have to do: gvproxy hands frames on as they are. */
function checkSharedOffloading({ config, members, place }: NetworkWish): void {
  const [first, second] = members;
  if (!first || !second || !boolOr(config.offloading, false)) return;
  place
    .child('offloading')
    .keyError(
      'conflict',
      'with offloading the machines of a network cannot talk to each other: nobody completes their checksums',
      {
        related: [second.wish, first.wish].map(({ machine, at }) => ({
          message: `\`${machine}\` is on the network`,
          span: at.keySpan,
        })),
        hint: 'leave `offloading` out, or put each machine on a network of its own',
      },
    );
}

function vmnetOptions(
  config: NetworkConfigLong,
  subnet: Subnet | undefined,
): Pick<Extract<Network, { driver: 'vmnet' }>, 'mode' | 'interface' | 'isolation' | 'addresses'> {
  const { mode = 'shared', start_address: start, end_address: end, subnet_mask: mask } = config;
  const hasAddresses = subnet && start !== undefined && end !== undefined && mask !== undefined;
  return {
    mode,
    ...(config.interface === undefined ? {} : { interface: config.interface }),
    isolation: boolOr(config.isolation, false),
    ...(hasAddresses ? { addresses: { start, end, mask } } : {}),
  };
}

/** Addresses that krun gives, where the file says which. */
function addressing({ wish, subnet }: NetworkBase): { readonly subnet?: string; readonly gateway?: string } {
  const { config, place } = wish;
  const at = place.child('gateway');
  const net = subnet ? { subnet: formatSubnet(subnet) } : {};
  if (config.gateway === undefined) return net;
  const gateway = parseIpv4(config.gateway);
  if (gateway === undefined) {
    at.error('invalid-value', `"${config.gateway}" is not an IPv4 address`, {
      hint: 'write an address such as 10.0.0.1',
    });
    return net;
  }
  if (config.subnet === undefined) {
    at.keyError('conflict', 'without `subnet` the guests ask a DHCP server, which tells them the gateway', {
      hint: `add \`subnet\`, or remove \`gateway\``,
    });
  } else if (subnet && !contains(subnet, gateway)) {
    at.error('conflict', `the gateway ${config.gateway} is not in ${formatSubnet(subnet)}`, {
      hint: `write an address such as ${formatIpv4(subnet.base + 1)}`,
    });
  }
  return { ...net, gateway: formatIpv4(gateway) };
}

function resolveHijack(
  { hijack }: NetworkConfigLong,
  platform: string,
  at: Place,
): readonly ('inet' | 'unix')[] {
  const families = [...new Set(hijack ?? (['inet'] as const))].toSorted();
  if (families.length === 0) {
    at.child('hijack').error('invalid-value', 'TSI without address families is no network', {
      hint: 'write `driver: none`, or `hijack: [inet]`',
    });
  }
  if (families.includes('unix') && platform === 'darwin') {
    at.child('hijack').error('capability', 'on macOS TSI cannot take over unix sockets', {
      hint: 'write `hijack: [inet]`',
    });
  }
  return families;
}

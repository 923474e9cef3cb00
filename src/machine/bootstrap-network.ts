import { quote } from '../base/shell.ts';
import { DHCP_FUNCTIONS, NETWORK_FUNCTIONS } from './network-scripts.ts';
import type { GuestInterface, GuestNetwork } from './spec.ts';

/** Shell functions that {@link networkLines} calls; none for a guest without network. */
export function networkFunctions(network: GuestNetwork): string {
  if (isEmpty(network)) return '';
  return network.interfaces.some(needsDhcp) ? NETWORK_FUNCTIONS + DHCP_FUNCTIONS : NETWORK_FUNCTIONS;
}

/** Sets up the interfaces, /etc/resolv.conf and /etc/hosts of a guest. */
export function networkLines(network: GuestNetwork, hostname: string): readonly string[] {
  if (isEmpty(network)) return [];
  const { interfaces, nameservers, searchDomains } = network;
  const resolver = [
    ...(searchDomains.length > 0 ? [`search ${searchDomains.join(' ')}`] : []),
    ...nameservers.map((server) => `nameserver ${server}`),
  ];
  return [
    'krun_oldpath=$PATH; PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin',
    ...interfaces.flatMap(interfaceLines),
    ['krun_resolver', ...resolver.map(quote)].join(' '),
    ['krun_hosts', ...hostsLines(network, hostname).map(quote)].join(' '),
    'PATH=$krun_oldpath',
  ];
}

function isEmpty({ interfaces, nameservers, searchDomains, hosts }: GuestNetwork): boolean {
  return [interfaces, nameservers, searchDomains, hosts].every((list) => list.length === 0);
}

function needsDhcp({ address }: GuestInterface): boolean {
  return address === undefined;
}

function interfaceLines({ device, mtu, address, gateway }: GuestInterface): readonly string[] {
  if (address === undefined) return [`krun_dhcp ${quote(device)} ${mtu}`];
  const { ip, mask } = ipv4Network(address);
  const words = [quote(device), mtu, ip, mask, ...(gateway === undefined ? [] : [quote(gateway)])];
  return [`krun_exists ${quote(device)}`, `krun_interface ${words.join(' ')}`];
}

/** `@` stands for the address that a DHCP server gave the first interface that has none of its own. */
function hostsLines({ interfaces, hosts }: GuestNetwork, hostname: string): readonly string[] {
  const [short = ''] = hostname.split('.');
  const names = short === hostname ? hostname : `${hostname} ${short}`;
  const [first] = interfaces;
  const own = first && (first.address === undefined ? '@' : ipv4Network(first.address).ip);
  return [
    '127.0.0.1 localhost',
    '::1 localhost ip6-localhost ip6-loopback',
    ...(own === undefined ? [] : [`${own} ${names}`]),
    ...hosts.map(({ ip, names }) => `${ip} ${names.join(' ')}`),
  ];
}

/** Takes `192.168.127.2/24` apart, as the older tools want it. */
function ipv4Network(address: string): { readonly ip: string; readonly mask: string } {
  const [ip = '', prefix = '32'] = address.split('/');
  const mask = 2 ** 32 - 2 ** (32 - Number(prefix));
  return { ip, mask: [24, 16, 8, 0].map((shift) => Math.floor(mask / 2 ** shift) % 256).join('.') };
}

import { isIPv4 } from 'node:net';
import type { PasstSettings } from './spec.ts';

/** Options that not every passt has; its version is no help, because Debian 12's calls itself "unknown". */
export interface PasstFeatures {
  /** `--map-host-loopback`, which replaced `--no-map-gw` (2024-08). */
  readonly mapHostLoopback: boolean;
  /** `--dns-host` (2024-10): until then queries go where the guest's DHCP answer names, and never to a loopback address. */
  readonly dnsHost: boolean;
}

/** From the text of `passt --help`. */
export function passtFeatures(help: string): PasstFeatures {
  return {
    mapHostLoopback: help.includes('--map-host-loopback'),
    dnsHost: help.includes('--dns-host'),
  };
}

/**
 * The arguments for one guest's passt. Nothing about users: started by root it becomes `nobody`, which is right for it,
 * because it gets its link as an open file and needs no other.
 */
export function passtArguments(
  settings: PasstSettings,
  features: PasstFeatures,
  host: { readonly fd: number; /** Text of /etc/resolv.conf. */ readonly resolvConf: string },
): readonly string[] {
  const { address, gateway, mtu, hostAccess, dnsSearch, ports } = settings;
  const [ip = '', prefix = '24'] = address.split('/');
  const link = ['--fd', String(host.fd)];
  const addresses = ['--address', ip, '--netmask', prefix, '--gateway', gateway, '--mtu', String(mtu)];
  return [
    '--foreground',
    ...link,
    // The guest has no IPv6 address that it could be told.
    '--ipv4-only',
    ...addresses,
    ...dnsArguments(settings, features, host.resolvConf),
    ...(dnsSearch.length > 0 ? ['--search', dnsSearch.join(' ')] : []),
    ...(hostAccess ? [] : features.mapHostLoopback ? ['--map-host-loopback', 'none'] : ['--no-map-gw']),
    ...ports.flatMap(({ protocol, hostIp, host, guest }) => [
      `--${protocol}-ports`,
      `${hostIp === undefined ? '' : `${hostIp}/`}${host}:${guest}`,
    ]),
  ];
}

/** Without servers of the user's, the gateway answers, by asking the host's resolver. */
function dnsArguments(
  { dns, gateway }: PasstSettings,
  features: PasstFeatures,
  resolvConf: string,
): readonly string[] {
  if (dns.length > 0) return dns.flatMap((server) => ['--dns', server]);
  const resolver = features.dnsHost ? undefined : firstNameserver(resolvConf);
  return [...(resolver === undefined ? [] : ['--dns', resolver]), '--dns-forward', gateway];
}

function firstNameserver(resolvConf: string): string | undefined {
  const servers = [...resolvConf.matchAll(/^\s*nameserver\s+(\S+)/gm)].map(([, server = '']) => server);
  return servers.find((server) => isIPv4(server));
}

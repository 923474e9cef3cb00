import {
  contains,
  containingSubnet,
  formatIpv4,
  formatSubnet,
  netmask,
  overlaps,
  parseIpv4,
  parseSubnet,
  type Subnet,
} from '../base/ipv4.ts';
import type { NetworkConfigLong } from '../config/schema.gen.ts';
import type { Place } from './place.ts';

/** Addresses that mean something else everywhere, with the reason. */
const NEVER: readonly (readonly [network: string, reason: string])[] = [
  ['0.0.0.0/8', 'is no address of a host'],
  ['127.0.0.0/8', 'never leaves a host'],
  ['224.0.0.0/3', 'is for multicast'],
];

/** A gateway, a host and a machine need three addresses beside the network's own two. */
const LARGEST_PREFIX = 29;
const SMALLEST_PREFIX = 8;

/** The addresses that the file gives a network; mistakes are reported, and count as nothing written. */
export function writtenSubnet(config: NetworkConfigLong, at: Place): Subnet | undefined {
  if (config.start_address !== undefined) return vmnetSubnet(config, at);
  if (config.subnet === undefined) return undefined;
  const place = at.child('subnet');
  const subnet = parseSubnet(config.subnet);
  if (!subnet) {
    const meant = containingSubnet(config.subnet);
    place.error('invalid-value', `"${config.subnet}" is not an IPv4 network`, {
      hint: meant ? `did you mean \`${formatSubnet(meant)}\`?` : 'write a network such as 10.0.0.0/24',
    });
    return undefined;
  }
  if (subnet.prefix > LARGEST_PREFIX || subnet.prefix < SMALLEST_PREFIX) {
    place.error('limit', `a subnet has a prefix length from ${SMALLEST_PREFIX} to ${LARGEST_PREFIX}`, {
      hint: 'write a network such as 10.0.0.0/24',
    });
    return undefined;
  }
  const [, reason] = NEVER.find(([network]) => isIn(subnet, network)) ?? [];
  if (reason === undefined) return subnet;
  place.error('invalid-value', `${config.subnet} cannot be a subnet: it ${reason}`, {
    hint: 'write a private network such as 10.0.0.0/24',
  });
  return undefined;
}

function isIn(subnet: Subnet, text: string): boolean {
  const other = parseSubnet(text);
  return other !== undefined && overlaps(subnet, other);
}

/** First and last address and mask of vmnet. */
function vmnetSubnet(config: NetworkConfigLong, at: Place): Subnet | undefined {
  const [start, end, mask] = (['start_address', 'end_address', 'subnet_mask'] as const).map((key) => {
    const text = config[key] ?? '';
    const address = parseIpv4(text);
    if (address === undefined) {
      const example = key === 'subnet_mask' ? '255.255.255.0' : '192.168.105.1';
      at.child(key).error('invalid-value', `"${text}" is not an IPv4 address`, {
        hint: `write an address such as ${example}`,
      });
    }
    return address;
  });
  if (start === undefined || end === undefined || mask === undefined) return undefined;
  const prefix = Math.clz32(~mask);
  const subnet = containingSubnet(`${formatIpv4(start)}/${prefix}`);
  if (!subnet || netmask(subnet) !== mask || prefix > LARGEST_PREFIX || prefix < SMALLEST_PREFIX) {
    at.child('subnet_mask').error('invalid-value', `${formatIpv4(mask)} is not the mask of a network`, {
      hint: 'write a mask such as 255.255.255.0',
    });
    return undefined;
  }
  if (!contains(subnet, end) || end <= start) {
    at.child('end_address').error(
      'invalid-value',
      `${formatIpv4(end)} is not after ${formatIpv4(start)} in ${formatSubnet(subnet)}`,
      { hint: 'write the last address that guests may get' },
    );
    return undefined;
  }
  return subnet;
}

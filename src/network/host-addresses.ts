import os from 'node:os';
import { broadcastAddress, containingSubnet, formatIpv4 } from '../base/ipv4.ts';

/** IPv4 addresses at which this host answers: those of its interfaces, and their broadcast addresses. */
export function hostAddresses(): readonly string[] {
  const addresses: string[] = [];
  for (const entries of Object.values(os.networkInterfaces())) {
    for (const { family, address, cidr } of entries ?? []) {
      if (family !== 'IPv4') continue;
      addresses.push(address);
      const subnet = cidr === null ? undefined : containingSubnet(cidr);
      // A network of one or two addresses has none to spare.
      if (subnet && subnet.prefix < 31) addresses.push(formatIpv4(broadcastAddress(subnet)));
    }
  }
  return addresses;
}

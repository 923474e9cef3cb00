/**
 * IPv4 addresses are unsigned 32-bit numbers here, so that they compare and count; text is for people and files.
 */
export interface Subnet {
  /** Network address: all bits beyond the prefix are zero. */
  readonly base: number;
  readonly prefix: number;
}

/** Reads `192.168.127.1`: four decimal numbers without leading zeros, as other programs read them differently. */
export function parseIpv4(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let address = 0;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    address = address * 256 + Number(part);
  }
  return address;
}

export function formatIpv4(address: number): string {
  return [address >>> 24, (address >>> 16) & 255, (address >>> 8) & 255, address & 255].join('.');
}

/** Reads `192.168.127.0/24`. An address inside of a network is none: {@link containingSubnet} tells which it is in. */
export function parseSubnet(text: string): Subnet | undefined {
  const subnet = containingSubnet(text);
  return subnet && formatSubnet(subnet) === text ? subnet : undefined;
}

/** Network of an address with prefix length: `192.168.127.9/24` is in 192.168.127.0/24. */
export function containingSubnet(text: string): Subnet | undefined {
  const [head = '', tail = '', ...more] = text.split('/');
  const address = parseIpv4(head);
  if (address === undefined || more.length > 0 || !/^(0|[1-9]\d?)$/.test(tail)) return undefined;
  const prefix = Number(tail);
  return prefix > 32 ? undefined : { base: (address & mask(prefix)) >>> 0, prefix };
}

export function formatSubnet({ base, prefix }: Subnet): string {
  return `${formatIpv4(base)}/${prefix}`;
}

/** `255.255.255.0` for a prefix length of 24. */
export function netmask({ prefix }: Subnet): number {
  return mask(prefix);
}

/** Last address: what is sent to it is for all. */
export function broadcastAddress({ base, prefix }: Subnet): number {
  return (base | ~mask(prefix)) >>> 0;
}

export function contains({ base, prefix }: Subnet, address: number): boolean {
  return (address & mask(prefix)) >>> 0 === base;
}

export function overlaps(one: Subnet, other: Subnet): boolean {
  return contains(one, other.base) || contains(other, one.base);
}

/** The network's way out: the first address. */
export function gatewayAddress({ base }: Subnet): number {
  return base + 1;
}

/** Under which machines reach the host's loopback: the last address, .254 of a /24. */
export function hostAddress(subnet: Subnet): number {
  return broadcastAddress(subnet) - 1;
}

/** First address that a machine may have: .2 of a /24. Above {@link lastMember} where the network has no room. */
export function firstMember({ base }: Subnet): number {
  return base + 2;
}

/** Last address that a machine may have: .253 of a /24. */
export function lastMember(subnet: Subnet): number {
  return broadcastAddress(subnet) - 2;
}

/** Whether a machine may have the address: it is not the network's, gateway's, host's or broadcast address. */
export function isMemberAddress(subnet: Subnet, address: number): boolean {
  return address >= firstMember(subnet) && address <= lastMember(subnet);
}

function mask(prefix: number): number {
  // A shift by 32 is none.
  return prefix === 0 ? 0 : (0xffff_ffff << (32 - prefix)) >>> 0;
}

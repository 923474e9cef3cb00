import { formatIpv4, parseIpv4 } from '../base/ipv4.ts';

/** The one spelling of an IPv4 or IPv6 address; undefined for anything else, also for one with a zone. */
export function canonicalAddress(text: string): string | undefined {
  const number = parseIpv4(text);
  if (number !== undefined) return formatIpv4(number);
  return text.includes(':') ? canonicalIpv6(text) : undefined;
}

export function isIpv6(address: string): boolean {
  return address.includes(':');
}

function canonicalIpv6(text: string): string | undefined {
  // The parser of URLs knows every spelling; a character beyond these would mean something else to it.
  const url =
    /^[0-9a-fA-F:.]+$/.test(text) && URL.canParse(`http://[${text}]`) && new URL(`http://[${text}]`);
  if (!url) return undefined;
  const address = url.hostname.slice(1, -1);
  // An IPv4 address in IPv6 form is that IPv4 address to the host.
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(address) ?? [];
  if (high === undefined || low === undefined) return address;
  return formatIpv4(Number.parseInt(high, 16) * 65_536 + Number.parseInt(low, 16));
}

import { broadcastAddress, gatewayAddress, hostAddress, parseIpv4, type Subnet } from '../base/ipv4.ts';
import { u16At, u32At } from './ethernet.ts';
import { ipv4HeaderBytes } from './ipv4-frame.ts';
import { UDP, UDP_HEADER_BYTES } from './udp-frame.ts';

/** What becomes of an IPv4 packet of a guest that is addressed to the gateway's station. */
export const Verdict = { pass: 0, refuse: 1, dhcp: 2, dns: 3 } as const;
export type Verdict = (typeof Verdict)[keyof typeof Verdict];

const TCP = 6;
const TCP_HEADER_BYTES = 20;
const SYN = 0x02;
const SYN_AND_ACK = 0x12;
/** How long the host's own addresses are believed. */
const HOST_ADDRESSES_MS = 1000;

export interface UplinkFilterOptions {
  readonly subnet: Subnet;
  readonly hostAccess: boolean;
  readonly hostAddresses: () => readonly string[];
}

/**
 * Decides about each IPv4 packet on its way to gvproxy, which connects guests to whatever address they name, in the
 * host's own name.
 *
 * gvproxy serves its forwarder API to guests at port 80 of the gateway, where they could open ports of the host and
 * replace files of its user. That is refused always, and every fragment of TCP to the gateway with it: a port is only
 * in the first one, and no TCP makes fragments by itself. What is decided by address alone holds for fragments too, as
 * each carries the address. Ports of UDP are in the first eight bytes, so no other fragment can bring or change them.
 */
export class UplinkFilter {
  readonly #gateway: number;
  readonly #host: number;
  readonly #broadcast: number;
  readonly #hostAccess: boolean;
  readonly #hostAddresses: () => readonly string[];
  #known: ReadonlySet<number> = new Set();
  #knownUntilMs = -Infinity;

  constructor({ subnet, hostAccess, hostAddresses }: UplinkFilterOptions) {
    this.#gateway = gatewayAddress(subnet);
    this.#host = hostAddress(subnet);
    this.#broadcast = broadcastAddress(subnet);
    this.#hostAccess = hostAccess;
    this.#hostAddresses = hostAddresses;
  }

  /** The packet lies at [at, end). */
  judge(bytes: Uint8Array, at: number, end: number): Verdict {
    const payload = at + ipv4HeaderBytes(bytes, at, end);
    if (payload === at) return Verdict.refuse;
    const destination = u32At(bytes, at + 16);
    if (!this.#hostAccess && this.#isHost(destination)) return Verdict.refuse;
    const protocol = bytes[at + 9];
    if (protocol === TCP) return this.#judgeTcp(bytes, { at, payload, end, destination });
    return protocol === UDP ? judgeUdp(bytes, { at, payload, end }) : Verdict.pass;
  }

  #judgeTcp(bytes: Uint8Array, packet: Packet & { readonly destination: number }): Verdict {
    if (packet.destination !== this.#gateway) return Verdict.pass;
    if (isFragment(bytes, packet.at) || packet.end - packet.payload < TCP_HEADER_BYTES) return Verdict.refuse;
    const port = u16At(bytes, packet.payload + 2);
    if (port === 80) return Verdict.refuse;
    // What gvproxy does not serve itself it connects to on the host, should that have the gateway's address too.
    const opens = ((bytes[packet.payload + 13] ?? 0) & SYN_AND_ACK) === SYN;
    return opens && port !== 53 && !this.#hostAccess ? Verdict.refuse : Verdict.pass;
  }

  /** Addresses at which gvproxy would reach the host itself; what is for all on a link is for the host as well. */
  #isHost(address: number): boolean {
    if (address === this.#gateway) return false;
    const first = address >>> 24;
    if (address === this.#host || first === 127 || first === 0 || first >= 224) return true;
    return address === this.#broadcast || this.#ownAddresses().has(address);
  }

  #ownAddresses(): ReadonlySet<number> {
    const now = performance.now();
    if (now >= this.#knownUntilMs) {
      const addresses = this.#hostAddresses().map((text) => parseIpv4(text));
      this.#known = new Set(addresses.filter((address) => address !== undefined));
      this.#knownUntilMs = now + HOST_ADDRESSES_MS;
    }
    return this.#known;
  }
}

/** Whether the packet is for a DHCP server, so that it is not for other guests. */
export function isForDhcpServer(bytes: Uint8Array, at: number, end: number): boolean {
  const payload = at + ipv4HeaderBytes(bytes, at, end);
  return payload > at && bytes[at + 9] === UDP && judgeUdp(bytes, { at, payload, end }) === Verdict.dhcp;
}

interface Packet {
  readonly at: number;
  readonly payload: number;
  readonly end: number;
}

function judgeUdp(bytes: Uint8Array, { at, payload, end }: Packet): Verdict {
  const fragment = u16At(bytes, at + 6);
  if ((fragment & 0x1fff) !== 0) return Verdict.pass;
  if (end - payload < UDP_HEADER_BYTES) return Verdict.refuse;
  const port = u16At(bytes, payload + 2);
  if (port === 67) return isFragment(bytes, at) ? Verdict.refuse : Verdict.dhcp;
  return port === 53 && !isFragment(bytes, at) ? Verdict.dns : Verdict.pass;
}

/** More fragments follow, or this is not the first. */
function isFragment(bytes: Uint8Array, at: number): boolean {
  return (u16At(bytes, at + 6) & 0x3fff) !== 0;
}

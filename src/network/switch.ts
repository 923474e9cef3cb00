import type { Duplex } from 'node:stream';
import type { Subnet } from '../base/ipv4.ts';
import type { LinkCounters } from './api.ts';

/** What a network's switch is, for all of its life. */
export interface SwitchOptions {
  /** Gateway, host and members have the addresses that src/base/ipv4.ts says. */
  readonly subnet: Subnet;
  readonly mtu: number;
  /** Guests may reach the host's loopback and its own addresses. */
  readonly hostAccess: boolean;
  /**
   * Addresses at which the host itself answers: those of its interfaces and their broadcast addresses. Asked at most
   * once a second, and only without host access.
   */
  readonly hostAddresses: () => readonly string[];
  /** Name servers that DHCP tells; the gateway when absent or empty. */
  readonly nameservers?: readonly string[];
  /** Searched by guests beside krun.internal. */
  readonly searchDomains?: readonly string[];
  readonly events?: SwitchEvents;
}

/** What happens to links by itself. `reason` is absent where the other side closed in good order. */
export interface SwitchEvents {
  readonly linkUp?: (member: string) => void;
  readonly linkDown?: (member: string, reason: string | undefined) => void;
  /** Not called for {@link Switch.detachUplink}. */
  readonly uplinkDown?: (reason: string | undefined) => void;
}

export interface SwitchMember {
  /** Lower-case colon form. */
  readonly mac: string;
  readonly ip: string;
  /** Lower-case names; DHCP tells the guest the first as its host name. */
  readonly names: readonly string[];
}

export interface LinkStatus {
  readonly connected: boolean;
  /** From the machine (or uplink) to the switch, and back. */
  readonly sent: LinkCounters;
  readonly received: LinkCounters;
}

/** Ethernet switch of one network: members with one MAC each, an uplink, and a station that answers DHCP, ARP and DNS. */
export declare class Switch {
  constructor(options: SwitchOptions);
  /** Why the member cannot be on this network beside the others, as a sentence without period. */
  conflict(name: string, member: SwitchMember): string | undefined;
  /** Adds the member, or changes it while its link stays open. Ask {@link conflict} first. */
  setMember(name: string, member: SwitchMember): void;
  /** Ends the member's link and forgets it. */
  removeMember(name: string): void;
  /** Takes over a connection of the member's libkrun; an earlier one is ended. Without such a member it is ended at once. */
  attach(name: string, socket: Duplex): void;
  /** Takes over a connection to `-listen-qemu`; an earlier one is ended. */
  attachUplink(socket: Duplex): void;
  detachUplink(): void;
  /** Undefined without such a member. */
  counters(name: string): LinkStatus | undefined;
  uplinkCounters(): LinkStatus;
  /** Ends all links. */
  close(): void;
}

import type { Duplex } from 'node:stream';
import { formatSubnet, isMemberAddress, parseIpv4, type Subnet } from '../base/ipv4.ts';
import type { LinkCounters } from './api.ts';
import { isMulticast, parseMac, type Mac } from './ethernet.ts';
import type { Handshakes } from './handshakes.ts';
import type { Link, SentCounters } from './link.ts';
import { MemberPort, type Neighbours } from './member-port.ts';
import type { Outlet } from './outlet.ts';
import { Station } from './station.ts';
import { UplinkFilter } from './uplink-filter.ts';
import { UplinkPort } from './uplink-port.ts';

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
  /** From the machine (or uplink): frames and bytes are all that it sent, with those that were dropped. */
  readonly sent: LinkCounters;
  /** To the machine (or uplink): frames and bytes are those that it got, without those that were dropped. */
  readonly received: LinkCounters;
}

/**
 * Ethernet switch of one network: members with one address each, gvproxy as the uplink, and a station of its own that
 * answers DHCP, names and ARP for the gateway. Nothing that a peer does or leaves undone stops the others.
 */
export class Switch {
  readonly #options: SwitchOptions;
  readonly #station: Station;
  readonly #neighbours: Neighbours;
  readonly #uplink: UplinkPort;
  readonly #members = new Map<string, Place>();
  readonly #byMac = new Map<Mac, MemberPort>();
  readonly #taken = new Set<number>();

  constructor(options: SwitchOptions) {
    const { subnet, mtu, nameservers = [], searchDomains = [] } = options;
    this.#options = options;
    this.#station = new Station({ subnet, mtu, nameservers, searchDomains });
    this.#uplink = new UplinkPort(
      { portOf: (mac) => this.#byMac.get(mac), outlets: () => this.#outletsBeside() },
      (reason) => options.events?.uplinkDown?.(reason),
    );
    this.#neighbours = {
      station: this.#station,
      filter: new UplinkFilter(options),
      uplink: this.#uplink.link.outlet,
      portOf: (mac) => this.#byMac.get(mac),
      othersThan: (port) => this.#outletsBeside(port),
      isTaken: (ip) => this.#taken.has(ip),
    };
    this.#index();
  }

  /** Why the member cannot be on this network beside the others, as a sentence without period. */
  conflict(name: string, member: SwitchMember): string | undefined {
    const mac = parseMac(member.mac);
    const ip = parseIpv4(member.ip);
    if (mac === undefined || mac === this.#station.mac || isMulticast(mac)) {
      return `the network's machines cannot have the Ethernet address ${member.mac}`;
    }
    if (ip === undefined || !isMemberAddress(this.#options.subnet, ip)) {
      return `${member.ip} is not an address that ${formatSubnet(this.#options.subnet)} has for machines`;
    }
    for (const [other, { port }] of this.#members) {
      if (other === name) continue;
      if (port.client.mac === mac) return `machine \`${other}\` has the Ethernet address ${member.mac}`;
      if (port.client.ip === ip) return `machine \`${other}\` has the address ${member.ip}`;
    }
    return undefined;
  }

  /** Adds the member, or changes it while its link stays open. Throws where {@link conflict} tells a reason. */
  setMember(name: string, member: SwitchMember): void {
    const conflict = this.conflict(name, member);
    if (conflict !== undefined) throw new Error(conflict);
    const client = {
      mac: parseMac(member.mac) ?? 0,
      ip: parseIpv4(member.ip) ?? 0,
      hostName: member.names[0],
    };
    const known = this.#members.get(name);
    const port = known?.port ?? this.#newPort(name, client);
    port.client = client;
    this.#members.set(name, { port, names: member.names });
    this.#index();
  }

  /** Ends the member's link and forgets it. */
  removeMember(name: string): void {
    this.#members.get(name)?.port.link.end();
    this.#members.delete(name);
    this.#index();
  }

  /** Takes over a connection of the member's libkrun; an earlier one is ended. Without such a member it is ended at once. */
  attach(name: string, socket: Duplex): void {
    const place = this.#members.get(name);
    if (place === undefined) {
      socket.destroy();
      return;
    }
    this.#options.events?.linkUp?.(name);
    place.port.link.attach(socket);
  }

  /** Takes over a connection to `-listen-qemu`; an earlier one is ended. */
  attachUplink(socket: Duplex): void {
    this.#uplink.link.attach(socket);
  }

  detachUplink(): void {
    this.#uplink.link.end();
  }

  /** Undefined without such a member. */
  counters(name: string): LinkStatus | undefined {
    const place = this.#members.get(name);
    return place && statusOf(place.port);
  }

  /** Where to see the member accept connections; undefined without such a member. */
  handshakes(name: string): Handshakes | undefined {
    return this.#members.get(name)?.port.handshakes;
  }

  uplinkCounters(): LinkStatus {
    return statusOf(this.#uplink);
  }

  /** Ends all links. */
  close(): void {
    this.detachUplink();
    for (const { port } of this.#members.values()) port.link.end();
  }

  #newPort(name: string, client: MemberPort['client']): MemberPort {
    return new MemberPort(this.#neighbours, client, (reason) =>
      this.#options.events?.linkDown?.(name, reason),
    );
  }

  /** What is looked up for each frame, made anew whenever a member has changed. */
  #index(): void {
    const places = [...this.#members.values()];
    this.#byMac.clear();
    this.#taken.clear();
    for (const ip of this.#station.addresses) this.#taken.add(ip);
    for (const { port } of places) {
      this.#byMac.set(port.client.mac, port);
      this.#taken.add(port.client.ip);
      port.forgetWay();
    }
    this.#station.setNames(places.map(({ port, names }) => ({ ip: port.client.ip, names })));
  }

  *#outletsBeside(one?: MemberPort): Iterable<Outlet> {
    for (const { port } of this.#members.values()) if (port !== one) yield port.link.outlet;
  }
}

/** A member as the switch keeps it. */
interface Place {
  readonly port: MemberPort;
  readonly names: readonly string[];
}

function statusOf({ link, sent }: { readonly link: Link; readonly sent: SentCounters }): LinkStatus {
  return { connected: link.connected, sent: sent.snapshot(), received: link.outlet.counters };
}

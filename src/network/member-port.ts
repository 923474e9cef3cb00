import { decodeArp } from './arp.ts';
import type { DhcpClient } from './dhcp-server.ts';
import {
  BROADCAST,
  HEADER_BYTES,
  PREFIX_BYTES,
  TYPE_ARP,
  TYPE_IPV4,
  isForSeveral,
  macAt,
  u16At,
  u32At,
  type Mac,
} from './ethernet.ts';
import type { FrameSink } from './frame-splitter.ts';
import { Handshakes } from './handshakes.ts';
import { Link, SentCounters, type LinkEvents } from './link.ts';
import type { Outlet } from './outlet.ts';
import { RunCollector } from './run-collector.ts';
import type { Station } from './station.ts';
import { Verdict, isForDhcpServer, type UplinkFilter } from './uplink-filter.ts';

/** Questions in one chunk of at most 64 KiB that the station answers. */
const MOST_ASKED = 128;

/** What a port knows of the others. */
export interface Neighbours {
  readonly station: Station;
  readonly filter: UplinkFilter;
  readonly uplink: Outlet;
  /** The port of a member. */
  portOf(mac: Mac): { readonly link: Link } | undefined;
  /** Outlets of all members but this one. */
  othersThan(port: MemberPort): Iterable<Outlet>;
  /** The address is the gateway's, the host's or a member's. */
  isTaken(ip: number): boolean;
}

/**
 * A member's place at the switch. Its guest speaks from one Ethernet address, the one that krun gave it: whatever else
 * a guest would bridge has neither lease nor name here, and nobody can take the frames of another that way.
 */
export class MemberPort implements FrameSink {
  readonly link: Link;
  readonly sent: SentCounters = new SentCounters();
  readonly handshakes: Handshakes = new Handshakes();
  readonly #neighbours: Neighbours;
  readonly #runs: RunCollector;
  #client: DhcpClient;
  /** The way of the last frame, which is mostly that of the next. */
  #lastMac = -1;
  #lastOutlet: Outlet | undefined;
  /** Frames of this chunk that the station looked at. */
  #asked = 0;

  constructor(neighbours: Neighbours, client: DhcpClient, down: LinkEvents['down']) {
    this.#neighbours = neighbours;
    this.#client = client;
    this.#runs = new RunCollector(this, (outlet, frames) => {
      if (outlet === neighbours.uplink) this.sent.dropped += frames;
    });
    this.link = new Link(this, { chunkDone: () => this.#endChunk(), down });
  }

  get client(): DhcpClient {
    return this.#client;
  }

  set client(client: DhcpClient) {
    this.#client = client;
  }

  /** Members have come, gone or changed. */
  forgetWay(): void {
    this.#lastMac = -1;
    this.#lastOutlet = undefined;
  }

  runt(): void {
    this.sent.dropped++;
  }

  frame(bytes: Buffer, start: number, end: number): void {
    const at = start + PREFIX_BYTES;
    this.sent.frames++;
    this.sent.bytes += end - at;
    if (macAt(bytes, at + 6) !== this.#client.mac || this.#speaksAsOther(bytes, at, end)) {
      this.sent.dropped++;
      return;
    }
    const mac = macAt(bytes, at);
    if (mac !== this.#lastMac) {
      this.#lastMac = mac;
      const link = this.#neighbours.portOf(mac)?.link;
      this.#lastOutlet = link === this.link ? undefined : link?.outlet;
    }
    if (this.#lastOutlet !== undefined) this.#runs.add(this.#lastOutlet, bytes, start, end);
    else if (mac === this.#neighbours.station.mac) this.#toGateway(bytes, start, end);
    else if (isForSeveral(bytes, at)) this.#toAll(mac, bytes, start, end);
    // gvproxy has no other station than the gateway, and would send it back.
    else this.sent.dropped++;
  }

  #endChunk(): void {
    this.#asked = 0;
    this.#runs.flush();
  }

  /** Whether an IPv4 or ARP packet says that it comes from an address of somebody else. */
  #speaksAsOther(bytes: Buffer, at: number, end: number): boolean {
    const type = u16At(bytes, at + 12);
    if (type === TYPE_IPV4) {
      const source = u32At(bytes, at + HEADER_BYTES + 12);
      return source !== this.#client.ip && this.#neighbours.isTaken(source);
    }
    if (type !== TYPE_ARP) return false;
    const arp = decodeArp(bytes, at + HEADER_BYTES, end);
    if (arp === undefined || arp.senderMac !== this.#client.mac) return true;
    return arp.senderIp !== this.#client.ip && this.#neighbours.isTaken(arp.senderIp);
  }

  #toGateway(bytes: Buffer, start: number, end: number): void {
    const { uplink, filter } = this.#neighbours;
    const at = start + PREFIX_BYTES;
    const type = u16At(bytes, at + 12);
    if (type === TYPE_ARP) return this.#arpToGateway(bytes, start, end);
    // The gateway has nothing else, tagged or not: what it does not understand need not be understood here.
    const verdict = type === TYPE_IPV4 ? filter.judge(bytes, at + HEADER_BYTES, end) : Verdict.refuse;
    if (verdict === Verdict.pass) {
      if (this.handshakes.isAwaited) this.handshakes.see(bytes, at + HEADER_BYTES, end);
      return this.#runs.add(uplink, bytes, start, end);
    }
    const mayAsk = this.#mayAsk();
    if (verdict === Verdict.refuse || !mayAsk) this.sent.dropped++;
    if (mayAsk) this.#ask(verdict, bytes, start, end);
  }

  #ask(verdict: Verdict, bytes: Buffer, start: number, end: number): void {
    const { uplink, station } = this.#neighbours;
    const at = start + PREFIX_BYTES;
    if (verdict === Verdict.refuse) return this.#reply(station.prohibited(bytes, at, end));
    if (verdict === Verdict.dhcp) return this.#reply(station.dhcp(this.#client, bytes, at, end));
    const answer = station.dns(bytes, at, end);
    if (answer) this.#reply(answer);
    else this.#runs.add(uplink, bytes, start, end);
  }

  #toAll(mac: Mac, bytes: Buffer, start: number, end: number): void {
    const { station } = this.#neighbours;
    const at = start + PREFIX_BYTES;
    const type = u16At(bytes, at + 12);
    if (mac === BROADCAST && type === TYPE_ARP) return this.#arpToAll(bytes, start, end);
    if (mac === BROADCAST && type === TYPE_IPV4 && isForDhcpServer(bytes, at + HEADER_BYTES, end)) {
      if (this.#mayAsk()) return this.#reply(station.dhcp(this.#client, bytes, at, end));
      this.sent.dropped++;
      return;
    }
    // The gateway has no use for it: it speaks no IPv6, and joins no groups.
    this.#runs.addForAll(this.#neighbours.othersThan(this), bytes, start, end);
  }

  #arpToGateway(bytes: Buffer, start: number, end: number): void {
    const arp = decodeArp(bytes, start + PREFIX_BYTES + HEADER_BYTES, end);
    const answer = arp && this.#neighbours.station.arp(arp);
    if (answer) this.#reply(answer);
    else this.#runs.add(this.#neighbours.uplink, bytes, start, end);
  }

  #arpToAll(bytes: Buffer, start: number, end: number): void {
    const { station, uplink } = this.#neighbours;
    const arp = decodeArp(bytes, start + PREFIX_BYTES + HEADER_BYTES, end);
    const answer = arp && station.arp(arp);
    if (answer) return this.#reply(answer);
    // Also to gvproxy, which learns from it where an address is now.
    this.#runs.addForAll(this.#neighbours.othersThan(this), bytes, start, end);
    if (uplink.open) this.#runs.add(uplink, bytes, start, end);
  }

  /** Whether the station is to look at one more frame of this chunk: its answers take time, which all members share. */
  #mayAsk(): boolean {
    return this.#asked++ < MOST_ASKED;
  }

  #reply(frame: Buffer | undefined): void {
    if (frame) this.#runs.add(this.link.outlet, frame, 0, frame.length);
  }
}

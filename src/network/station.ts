import { gatewayAddress, hostAddress, type Subnet } from '../base/ipv4.ts';
import { encodeArpReply, type Arp } from './arp.ts';
import { DhcpServer, type DhcpClient } from './dhcp-server.ts';
import { answerDns } from './dns-server.ts';
import { parseMac, type Mac } from './ethernet.ts';
import { GATEWAY_MAC } from './gateway-mac.ts';
import { encodeProhibited } from './icmp.ts';
import { NETWORK_DOMAIN, NameTable, type NameEntry } from './names.ts';
import { decodeUdpFrame, encodeUdpFrame } from './udp-frame.ts';

export interface StationOptions {
  readonly subnet: Subnet;
  readonly mtu: number;
  readonly nameservers: readonly string[];
  readonly searchDomains: readonly string[];
}

/**
 * What the switch says itself, in the gateway's name: DHCP, the names of the members, and who has the gateway's and the
 * host's address. So a guest has its address and finds the others also while gvproxy is started again.
 */
export class Station {
  readonly mac: Mac = parseMac(GATEWAY_MAC) ?? 0;
  readonly #gateway: number;
  readonly #reserved: readonly NameEntry[];
  readonly #dhcp: DhcpServer;
  #names: NameTable;

  constructor(options: StationOptions) {
    this.#gateway = gatewayAddress(options.subnet);
    const gateway = { ip: this.#gateway, names: [`gateway.${NETWORK_DOMAIN}`] };
    const host = { ip: hostAddress(options.subnet), names: [`host.${NETWORK_DOMAIN}`] };
    this.#reserved = [gateway, host];
    this.#names = new NameTable(this.#reserved, []);
    this.#dhcp = new DhcpServer({ ...options, gatewayMac: this.mac });
  }

  /** Addresses that nobody else may speak from. */
  get addresses(): readonly number[] {
    return this.#reserved.map(({ ip }) => ip);
  }

  setNames(members: Iterable<NameEntry>): void {
    this.#names = new NameTable(this.#reserved, members);
  }

  /** Answer to a question for the gateway or the host; undefined for any other. */
  arp(question: Arp): Buffer | undefined {
    const ours = question.request && this.addresses.includes(question.targetIp);
    return ours ? encodeArpReply(question, this.mac) : undefined;
  }

  /** Answer to the packet in the frame at [at, end), which was refused. */
  prohibited(bytes: Buffer, at: number, end: number): Buffer | undefined {
    return encodeProhibited(bytes, { at, end, from: { mac: this.mac, ip: this.#gateway } });
  }

  /** Answer to the datagram in the frame at [at, end); undefined where there is none to give. */
  dhcp(client: DhcpClient, bytes: Buffer, at: number, end: number): Buffer | undefined {
    const datagram = decodeUdpFrame(bytes, at, end);
    const answer = datagram && this.#dhcp.answer(client, datagram.payload);
    return answer && encodeUdpFrame(answer);
  }

  /** Answer to the query in the frame at [at, end), as from the server that was asked; undefined where that is to answer. */
  dns(bytes: Buffer, at: number, end: number): Buffer | undefined {
    const datagram = decodeUdpFrame(bytes, at, end);
    const payload = datagram && answerDns(this.#names, datagram.payload);
    return datagram && payload && encodeUdpFrame({ from: datagram.to, to: datagram.from, payload });
  }
}

import { broadcastAddress, gatewayAddress, netmask, parseIpv4, type Subnet } from '../base/ipv4.ts';
import {
  DhcpOption,
  DhcpType,
  decodeDhcp,
  encodeDhcpReply,
  type DhcpReply,
  type DhcpRequest,
} from './dhcp-message.ts';
import { BROADCAST, type Mac } from './ethernet.ts';
import { NETWORK_DOMAIN } from './names.ts';
import type { Datagram } from './udp-frame.ts';

/** A day: an address belongs to its machine for as long as that exists, so this only says when a guest asks again. */
const LEASE_SECONDS = 86_400;
/** What every client takes (RFC 2131, 2). */
const LEAST_MAXIMUM_BYTES = 576;
const IPV4_AND_UDP_BYTES = 28;
const BROADCAST_FLAG = 0x8000;
const SERVER_PORT = 67;
const CLIENT_PORT = 68;
const EVERYBODY = 0xffff_ffff;

export interface DhcpServerOptions {
  readonly subnet: Subnet;
  readonly mtu: number;
  readonly gatewayMac: Mac;
  readonly nameservers: readonly string[];
  readonly searchDomains: readonly string[];
}

export interface DhcpClient {
  readonly mac: Mac;
  readonly ip: number;
  readonly hostName: string | undefined;
}

/** DHCP (RFC 2131) for machines whose addresses are decided: it tells, and refuses every other address. */
export class DhcpServer {
  readonly #options: DhcpServerOptions;
  readonly #gateway: number;

  constructor(options: DhcpServerOptions) {
    this.#options = options;
    this.#gateway = gatewayAddress(options.subnet);
  }

  /** Answer to a message that came over the client's own link; undefined where there is none to give. */
  answer(client: DhcpClient, message: Buffer): Datagram | undefined {
    const request = decodeDhcp(message);
    // A relay asks for others, and the link has one machine.
    if (request === undefined || request.relay !== 0) return undefined;
    if (request.hardwareAddress.readUIntBE(0, 6) !== client.mac) return undefined;
    const type = this.#answerType(client, request);
    if (type === undefined) return undefined;
    const payload = encodeDhcpReply(request, this.#reply(client, request, type));
    return {
      from: { mac: this.#options.gatewayMac, ip: this.#gateway, port: SERVER_PORT },
      to: { ...receiver(client, request, type), port: CLIENT_PORT },
      payload,
    };
  }

  #answerType(client: DhcpClient, request: DhcpRequest): number | undefined {
    switch (request.type) {
      case DhcpType.discover:
        return request.options.has(DhcpOption.rapidCommit) ? DhcpType.ack : DhcpType.offer;
      case DhcpType.request:
        return this.#answerRequest(client, request);
      case DhcpType.inform:
        return request.clientAddress === 0 ? undefined : DhcpType.ack;
      // DECLINE and RELEASE give back an address that nobody else can have.
      default:
        return undefined;
    }
  }

  #answerRequest(client: DhcpClient, { options, clientAddress }: DhcpRequest): number | undefined {
    const server = addressOf(options.get(DhcpOption.serverIdentifier));
    // The client has taken another server's offer.
    if (server !== undefined && server !== this.#gateway) return undefined;
    const wanted = addressOf(options.get(DhcpOption.requestedAddress)) ?? clientAddress;
    return wanted === client.ip ? DhcpType.ack : DhcpType.nak;
  }

  #reply(client: DhcpClient, request: DhcpRequest, type: number): DhcpReply {
    const identifier = request.options.get(DhcpOption.clientIdentifier);
    const head: DhcpReply['options'][number][] = [
      [DhcpOption.messageType, Buffer.of(type)],
      [DhcpOption.serverIdentifier, u32(this.#gateway)],
      // RFC 6842: a client finds its own messages by it.
      ...(identifier ? [[DhcpOption.clientIdentifier, identifier] as const] : []),
    ];
    const maximumBytes = this.#maximumBytes(request);
    if (type === DhcpType.nak) return { clientAddress: 0, yourAddress: 0, options: head, maximumBytes };
    const inform = request.type === DhcpType.inform;
    if (!inform) head.push([DhcpOption.leaseTime, u32(LEASE_SECONDS)]);
    if (request.type === DhcpType.discover && type === DhcpType.ack) {
      head.push([DhcpOption.rapidCommit, Buffer.alloc(0)]);
    }
    return {
      clientAddress: type === DhcpType.offer ? 0 : request.clientAddress,
      yourAddress: inform ? 0 : client.ip,
      options: [...head, ...this.#settings(client)],
      maximumBytes,
    };
  }

  #settings({ hostName }: DhcpClient): DhcpReply['options'] {
    const { subnet, mtu, nameservers, searchDomains } = this.#options;
    const servers = nameservers.map((text) => parseIpv4(text)).filter((address) => address !== undefined);
    return [
      [DhcpOption.subnetMask, u32(netmask(subnet))],
      [DhcpOption.router, u32(this.#gateway)],
      [DhcpOption.nameServers, u32(...(servers.length > 0 ? servers : [this.#gateway]))],
      [DhcpOption.mtu, u16(mtu)],
      [DhcpOption.broadcastAddress, u32(broadcastAddress(subnet))],
      ...(hostName === undefined ? [] : [[DhcpOption.hostName, Buffer.from(hostName, 'latin1')] as const]),
      [DhcpOption.domainName, Buffer.from(NETWORK_DOMAIN, 'latin1')],
      [DhcpOption.searchList, Buffer.concat([NETWORK_DOMAIN, ...searchDomains].map(encodeDomain))],
    ];
  }

  #maximumBytes({ options }: DhcpRequest): number {
    const asked = options.get(DhcpOption.maximumSize);
    const maximum = asked?.length === 2 ? asked.readUInt16BE(0) : LEAST_MAXIMUM_BYTES;
    return Math.max(LEAST_MAXIMUM_BYTES, Math.min(maximum, this.#options.mtu)) - IPV4_AND_UDP_BYTES;
  }
}

/** Where the answer goes (RFC 2131, 4.1). */
function receiver(
  client: DhcpClient,
  request: DhcpRequest,
  type: number,
): { readonly mac: Mac; readonly ip: number } {
  if (type === DhcpType.nak) return { mac: BROADCAST, ip: EVERYBODY };
  if (request.clientAddress !== 0) return { mac: client.mac, ip: request.clientAddress };
  if ((request.flags & BROADCAST_FLAG) !== 0) return { mac: BROADCAST, ip: EVERYBODY };
  return { mac: client.mac, ip: client.ip };
}

function addressOf(option: Buffer | undefined): number | undefined {
  return option?.length === 4 ? option.readUInt32BE(0) : undefined;
}

function u32(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, 4 * index);
  return bytes;
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

/** Labels with their lengths (RFC 1035, 3.1), without compression. */
function encodeDomain(domain: string): Buffer {
  const labels = domain.split('.').filter((label) => label !== '');
  const pieces = labels.map((label) => [Buffer.of(label.length), Buffer.from(label, 'latin1')]);
  return Buffer.concat([...pieces.flat(), Buffer.of(0)]);
}

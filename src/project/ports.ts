import type { PortConfig } from '../config/schema.gen.ts';
import { type HostScope, resolveHostPath } from './host-path.ts';
import { canonicalAddress } from './ip-address.ts';
import type { Place } from './place.ts';
import type { HostPort, HostSocket, Port } from './project.ts';
import { checkSocketPath } from './socket-path.ts';

/** One port that the file publishes, with its position; what is left out depends on the network. */
export interface PortWish {
  /** `hostIp` only where the file says it. */
  readonly port: HostPort | HostSocket;
  readonly place: Place;
}

interface PortText {
  readonly host: string;
  readonly hostIp: string | undefined;
  readonly guest: string;
  readonly protocol: string;
  readonly name?: string | undefined;
}

/**
 * The published ports of a machine, ranges taken apart. What is wrong with a short form is told at all of it, because it
 * has no places below.
 */
export function resolvePorts(
  configs: readonly PortConfig[],
  scope: HostScope,
  at: Place,
): readonly PortWish[] {
  const wishes = configs.flatMap((config, index) => {
    const place = at.child(index);
    return resolvePort(config, scope, place).map((port) => ({ port, place }));
  });
  reportNames(wishes);
  return wishes;
}

/** `8080:80/tcp`, with the host's address where it is not the usual 127.0.0.1. */
export function portText(port: Port): string {
  return `${hostText(port)}:${port.guest}/${port.protocol}`;
}

function hostText(port: Port): string {
  if ('socket' in port) return port.socket;
  if (port.hostIp === undefined || port.hostIp === '127.0.0.1') return String(port.host);
  return `${port.hostIp.includes(':') ? `[${port.hostIp}]` : port.hostIp}:${port.host}`;
}

function resolvePort(config: PortConfig, scope: HostScope, at: Place): readonly Port[] {
  if (typeof config === 'object' && config.socket !== undefined) return resolveSocket(config, scope, at);
  const text = typeof config === 'object' ? longText(config) : shortText(String(config));
  const { protocol } = text;
  if (protocol !== 'tcp' && protocol !== 'udp') {
    at.error('invalid-value', `"${protocol}" is not a protocol of ports`, { hint: 'write `tcp` or `udp`' });
    return [];
  }
  const hostIp = text.hostIp === undefined ? undefined : hostAddress(text.hostIp, at.child('host_ip'));
  const guest = parseRange(text.guest, at.child('guest'));
  const host =
    text.host === 'auto' ? guest?.map(() => 'auto' as const) : parseRange(text.host, at.child('host'));
  if (!host || !guest) return [];
  if (host.length !== guest.length) {
    const [hosts, guests] = [portCount(host.length, 'host'), portCount(guest.length, 'guest')];
    at.error('invalid-value', `${hosts} cannot be joined to ${guests}`, {
      hint: 'write two ranges of one length',
    });
    return [];
  }
  return guest.map((number, index) => ({
    host: host[index] ?? number,
    ...(hostIp === undefined ? {} : { hostIp }),
    guest: number,
    protocol,
    ...(text.name === undefined ? {} : { name: text.name }),
  }));
}

function portCount(count: number, side: string): string {
  return `${count} ${side} port${count === 1 ? '' : 's'}`;
}

type LongPort = Exclude<PortConfig, string | number>;

function resolveSocket(config: LongPort, scope: HostScope, at: Place): readonly HostSocket[] {
  const socket = resolveHostPath(config.socket ?? '', scope, at.child('socket'));
  checkSocketPath(socket, at.child('socket'));
  const guest = parseRange(String(config.guest), at.child('guest'));
  if (config.protocol === 'udp') {
    at.child('protocol').error('conflict', 'a unix socket leads to a TCP port: UDP has no connections', {
      hint: 'write `host` instead of `socket`, or remove `protocol`',
    });
  }
  const [port, ...more] = guest ?? [];
  if (port === undefined) return [];
  if (more.length > 0) {
    at.child('guest').error('invalid-value', `one socket cannot lead to ${more.length + 1} ports`, {
      hint: 'write one entry for each port',
    });
  }
  const name = config.name === undefined ? {} : { name: config.name };
  return [{ socket, guest: port, protocol: 'tcp', ...name }];
}

function longText(config: LongPort): PortText {
  return {
    host: String(config.host ?? 'auto'),
    hostIp: config.host_ip,
    guest: String(config.guest),
    protocol: config.protocol ?? 'tcp',
    name: config.name,
  };
}

/** `[HOST_IP:][HOST:]GUEST[/PROTOCOL]`; an address has dots, or brackets around it. */
function shortText(text: string): PortText {
  const [, bracketed, plain, host, guest = '', protocol = 'tcp'] =
    /^(?:\[([^\]]*)\]:|(\d+(?:\.\d+)+):)?(?:([^:]*):)?([^:/]*)(?:\/(.*))?$/.exec(text) ?? [];
  return { host: host || 'auto', hostIp: bracketed ?? plain, guest, protocol: protocol.toLowerCase() };
}

function hostAddress(text: string, at: Place): string | undefined {
  const address = canonicalAddress(text);
  if (address === undefined) {
    at.error('invalid-value', `"${text}" is not an IP address of a host`, {
      hint: 'write 127.0.0.1 for this host alone, 0.0.0.0 for all of its IPv4 addresses, or one of them',
    });
  }
  return address;
}

function parseRange(text: string, at: Place): readonly number[] | undefined {
  const [first, last] = (/^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? []).slice(1);
  const from = Number(first ?? 'NaN');
  const to = Number(last ?? first ?? 'NaN');
  if (!(from >= 1 && to <= 65_535 && from <= to)) {
    at.error('invalid-value', `"${text}" is not a port or a range of ports`, {
      hint: 'ports are numbers from 1 to 65535, a range is 8000-8010',
    });
    return undefined;
  }
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

/** A range has one name for all of its ports; two entries have two. */
function reportNames(wishes: readonly PortWish[]): void {
  const seen = new Map<string, Place>();
  for (const { port, place } of wishes) {
    if (port.name === undefined) continue;
    const first = seen.get(port.name);
    if (!first) seen.set(port.name, place);
    else if (first.name !== place.name) {
      place.child('name').error('conflict', `two ports of the machine have the name \`${port.name}\``, {
        related: [{ message: 'the first one is here', span: first.child('name').valueSpan }],
        hint: 'give each its own name',
      });
    }
  }
}

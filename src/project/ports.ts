import type { PortConfig } from '../config/schema.gen.ts';
import type { Place } from './place.ts';
import type { HostPort } from './project.ts';

/** A published port with its position, for messages about two of them. */
export interface PlacedPort {
  readonly port: HostPort & { readonly host: number };
  readonly place: Place;
}

interface PortText {
  readonly host: string | undefined;
  readonly guest: string;
  readonly protocol: string;
}

/** The published ports of a machine, ranges taken apart. */
export function resolvePorts(configs: readonly PortConfig[], at: Place): readonly PlacedPort[] {
  const ports = configs.flatMap((config, index) => {
    const place = at.child(index);
    return resolvePort(config, place).map((port) => {
      place.isOriginOf(at.path, portText(port));
      return { port, place };
    });
  });
  reportRepeated(ports, ({ port }) => `guest port ${port.guest}/${port.protocol}`, isOtherHost);
  return ports;
}

/** `8080:80/tcp`. */
export function portText(port: HostPort): string {
  return `${port.host}:${port.guest}/${port.protocol}`;
}

/** Reports host ports that are published twice in the project, also by two machines. */
export function checkHostPorts(ports: readonly PlacedPort[]): void {
  reportRepeated(ports, ({ port }) => `host port ${port.host}/${port.protocol}`);
}

/** One port written twice is one mistake, which the check of host ports reports. */
function isOtherHost(first: PlacedPort, second: PlacedPort): boolean {
  return first.port.host !== second.port.host;
}

function reportRepeated(
  ports: readonly PlacedPort[],
  nameOf: (port: PlacedPort) => string,
  isMistake: (first: PlacedPort, second: PlacedPort) => boolean = () => true,
): void {
  const seen = new Map<string, PlacedPort>();
  for (const port of ports) {
    const name = nameOf(port);
    const first = seen.get(name);
    if (!first) {
      seen.set(name, port);
    } else if (isMistake(first, port)) {
      port.place.error('conflict', `${name} is published twice`, {
        related: [{ message: 'the first time is here', span: first.place.valueSpan }],
      });
    }
  }
}

function resolvePort(config: PortConfig, at: Place): readonly PlacedPort['port'][] {
  const text = typeof config === 'object' ? longText(config) : shortText(String(config));
  // A host port that krun has to choose, a host address and UDP are refused where keys are that it cannot do yet.
  if (text.host === undefined || text.host === 'auto' || text.protocol === 'udp') return [];
  if (text.protocol !== 'tcp') {
    at.error('invalid-value', `"${text.protocol}" is not a protocol of ports`, { hint: 'write tcp' });
    return [];
  }
  const host = parseRange(text.host, at);
  const guest = parseRange(text.guest, at);
  if (!host || !guest) return [];
  if (host.length !== guest.length) {
    at.error('invalid-value', `${host.length} host ports cannot be joined to ${guest.length} guest ports`, {
      hint: 'write two ranges of one length',
    });
    return [];
  }
  return host.map((number, index) => ({ host: number, guest: guest[index] ?? number, protocol: 'tcp' }));
}

function longText(config: Exclude<PortConfig, string | number>): PortText {
  return {
    host: config.host === undefined ? undefined : String(config.host),
    guest: String(config.guest),
    protocol: config.protocol ?? 'tcp',
  };
}

/** `[HOST_IP:][HOST:]GUEST[/PROTOCOL]`. */
function shortText(text: string): PortText {
  const [ports = '', protocol = 'tcp'] = text.split('/');
  const parts = ports.split(':');
  return { host: parts.at(-2), guest: parts.at(-1) ?? '', protocol: protocol.toLowerCase() };
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

import { portCarrier } from './port-carrier.ts';
import type { Place } from './place.ts';
import { portText, type PortWish } from './ports.ts';
import type { Attachment, HostPort, Network, Port } from './project.ts';

/** A published port as it is going to be, with its position. */
export interface PlacedPort {
  readonly machine: string;
  readonly port: Port;
  readonly place: Place;
}

/** A machine with what its ports need. */
export interface Publisher {
  readonly machine: string;
  readonly at: Place;
  readonly ports: readonly PortWish[];
  readonly attachments: readonly Attachment[];
  readonly hasUnknownNetwork: boolean;
  /** What says that it has no network, if it has none. */
  readonly off: Place;
}

/** The ports of a machine as its networks can publish them; what they cannot is reported. */
export function publishPorts(publisher: Publisher): readonly PlacedPort[] {
  const { machine, at, ports, attachments } = publisher;
  if (ports.length === 0) return [];
  const carrier = portCarrier(attachments)?.network;
  if (!carrier) {
    if (!publisher.hasUnknownNetwork) reportNoCarrier(publisher);
    return [];
  }
  if (carrier.driver === 'tsi' && !carrier.hijack.includes('inet')) {
    at.child('ports').keyError('conflict', 'TSI without the family `inet` leaves IP sockets in the guest', {
      hint: 'add `inet` to `hijack`',
    });
  }
  const placed = ports.flatMap(({ port, place }) => {
    const published = onNetwork(port, carrier, place);
    return published ? [{ machine, port: published, place }] : [];
  });
  for (const { port, place } of placed) place.isOriginOf(at.child('ports').path, portText(port));
  reportRepeatedGuestPorts(placed, carrier);
  return placed;
}

function reportNoCarrier({ attachments, machine, at, off }: Publisher): void {
  const place = at.child('ports');
  const [first] = attachments;
  if (!first) return reportClosed(at, off);
  const { network } = first;
  place.keyError(
    'conflict',
    `krun does not know the address of \`${machine}\` on network \`${network.name}\`, to which its ports would lead`,
    {
      hint: hintForAddress(network),
    },
  );
}

function hintForAddress(network: Network): string {
  if (network.driver !== 'vmnet') return 'add `subnet` to the network, and krun gives the machine an address';
  if (network.mode === 'bridged')
    return 'connect to the address that the guest gets, or put it on another network too';
  return 'give the machine an `ip`, and the network `start_address`, `end_address` and `subnet_mask`';
}

function reportClosed(at: Place, off: Place): void {
  at.child('ports').keyError('conflict', 'a machine without network cannot publish ports', {
    related: [{ message: 'the network is turned off here', span: off.keySpan }],
    hint: 'remove `ports`, or put the machine on a network',
  });
}

function onNetwork(port: Port, network: Network, place: Place): Port | undefined {
  if ('socket' in port) {
    if (network.driver !== 'tsi' && network.driver !== 'passt') return port;
    place
      .child('socket')
      .keyError('conflict', `the driver \`${network.driver}\` cannot listen on a unix socket`, {
        hint: 'publish a port of the host, or use the driver `gvproxy`',
      });
    return undefined;
  }
  if (network.driver === 'passt' && port.hostIp?.includes(':')) {
    place
      .child('host_ip')
      .error('conflict', 'krun runs passt for IPv4: it cannot listen on an IPv6 address', {
        hint: 'publish on an IPv4 address, or use the driver `gvproxy`',
      });
  }
  if (network.driver !== 'tsi') return { ...port, hostIp: port.hostIp ?? '127.0.0.1' };
  return underTsi(port, place);
}

/** Under TSI the guest's listener is the host's. */
function underTsi({ hostIp, ...port }: HostPort, place: Place): HostPort {
  if (hostIp !== undefined) {
    place
      .child('host_ip')
      .error('conflict', 'under TSI the guest chooses the address of the host on which its port listens', {
        hint: `leave ${hostIp} out and let the program in the guest bind it, or use the driver \`gvproxy\``,
      });
  }
  if (port.protocol === 'udp') {
    place
      .child('protocol')
      .error('conflict', 'under TSI a guest cannot receive UDP from outside: libkrun listens on TCP only', {
        hint: 'use the driver `gvproxy` or `passt`',
      });
  }
  return port;
}

/** libkrun's map of ports has one entry for each guest port; elsewhere only krun's choice of a port could be mistaken. */
function reportRepeatedGuestPorts(ports: readonly PlacedPort[], network: Network): void {
  const seen = new Map<string, PlacedPort>();
  for (const placed of ports) {
    const { port, place } = placed;
    const isAuto = 'host' in port && port.host === 'auto';
    if (network.driver !== 'tsi' && !isAuto) continue;
    const name = `${port.guest}/${port.protocol}`;
    const first = seen.get(name);
    if (!first) seen.set(name, placed);
    else if (isAuto || portText(first.port) !== portText(port)) {
      place.error(
        'conflict',
        `guest port ${name} is published twice${isAuto ? ' on free ports of the host' : ''}`,
        {
          related: [{ message: 'the first time is here', span: first.place.valueSpan }],
          hint: isAuto ? 'remove one of them' : 'under TSI a port of the guest is one port of the host',
        },
      );
    }
  }
}

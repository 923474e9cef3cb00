import type { BoundPort } from '../network/api.ts';
import { hostEnd } from './ports.ts';
import { renderTable } from './table.ts';

/** A port that is published now, and by whom. */
export interface PublishedPort {
  readonly machine: string;
  readonly port: BoundPort;
}

/** `80/tcp`. */
export function guestEnd({ guest, protocol }: BoundPort): string {
  return `${guest}/${protocol}`;
}

/** The order of a person who asks for the guest's ports, whatever the host's are. */
export function byGuestEnd(a: BoundPort, b: BoundPort): number {
  return a.guest - b.guest || (a.protocol < b.protocol ? -1 : a.protocol > b.protocol ? 1 : 0);
}

/** A table of published ports. */
export function portTable(published: readonly PublishedPort[], width: number | undefined): string {
  const isNamed = published.some(({ port }) => port.name !== undefined);
  return renderTable(
    [
      { title: 'MACHINE' },
      { title: 'PORT' },
      ...(isNamed ? [{ title: 'NAME' }] : []),
      { title: 'HOST', shrinks: true },
    ],
    published.map(({ machine, port }) => [
      machine,
      guestEnd(port),
      ...(isNamed ? [port.name ?? ''] : []),
      hostEnd(port),
    ]),
    width,
  );
}

/** One JSON object, for `port --format json`; one a line. */
export function portJson({ machine, port }: PublishedPort): string {
  return JSON.stringify({
    machine,
    guest: port.guest,
    protocol: port.protocol,
    ...(port.name !== undefined && { name: port.name }),
    ...('socket' in port ? { socket: port.socket } : { hostIp: port.hostIp ?? null, host: port.host }),
    address: hostEnd(port),
  });
}

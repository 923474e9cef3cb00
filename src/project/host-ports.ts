import type { Diagnostic } from '../base/diagnostic.ts';
import { isIpv6 } from './ip-address.ts';
import type { Place } from './place.ts';
import type { HostPort, HostSocket } from './project.ts';
import type { PlacedPort } from './published-ports.ts';

/** Reports ports and sockets of the host that two of the project's ports would listen on. */
export function checkHostPorts(ports: readonly PlacedPort[]): void {
  const seen = new Map<string, PlacedPort[]>();
  for (const placed of ports) {
    const key = hostKey(placed.port);
    if (key === undefined) continue;
    const others = seen.get(key) ?? [];
    const first = others.find(({ port }) => overlap(port, placed.port));
    if (first) reportClash(first, placed);
    others.push(placed);
    seen.set(key, others);
  }
}

/** What two ports need to have in common to be in each other's way at all. */
function hostKey(port: HostPort | HostSocket): string | undefined {
  if ('socket' in port) return port.socket;
  return port.host === 'auto' ? undefined : `${port.host}/${port.protocol}`;
}

function overlap(one: HostPort | HostSocket, other: HostPort | HostSocket): boolean {
  if ('socket' in one || 'socket' in other) return true;
  const [a, b] = [one.hostIp, other.hostIp];
  // Under TSI the guest decides, so any address is possible; and Linux listens on :: for IPv4 as well.
  if (a === undefined || b === undefined || a === b || a === '::' || b === '::') return true;
  return (a === '0.0.0.0' && !isIpv6(b)) || (b === '0.0.0.0' && !isIpv6(a));
}

function reportClash(first: PlacedPort, second: PlacedPort): void {
  const related = [
    { message: `the first time is here${inMachine(first, second)}`, span: first.place.valueSpan },
  ];
  second.place.error('conflict', clashText(first.port, second.port), { related, ...hintOf(second.port) });
}

function inMachine(first: PlacedPort, second: PlacedPort): string {
  return first.machine === second.machine ? '' : `, in \`${first.machine}\``;
}

function clashText(first: PlacedPort['port'], second: PlacedPort['port']): string {
  if ('socket' in second) return 'this socket is published twice';
  const name = `host port ${second.host}/${second.protocol}`;
  const [a, b] = ['hostIp' in first ? first.hostIp : undefined, second.hostIp];
  if (a === undefined || b === undefined || a === b) return `${name} is published twice`;
  return `${name} is published twice: ${a} and ${b} are not apart`;
}

function hintOf(port: PlacedPort['port']): Pick<Diagnostic, 'hint'> {
  return 'socket' in port
    ? { hint: 'give each its own socket' }
    : { hint: `choose another port, or let krun choose one: \`auto:${port.guest}\`` };
}

/** Warns of host ports that the system keeps for its administrator; one warning tells all of a machine's entry. */
export function warnOfSystemPorts(ports: readonly PlacedPort[], firstOpenPort: number): void {
  const warned = new Set<Place>();
  for (const { port, place } of ports) {
    if ('socket' in port || port.host === 'auto' || port.host >= firstOpenPort || warned.has(place)) continue;
    warned.add(place);
    place.warning(
      'capability',
      `your user may not listen on host port ${port.host}: the system keeps those below ${firstOpenPort}`,
      {
        hint: `choose a port from ${firstOpenPort} on, such as ${Math.max(8000, firstOpenPort) + (port.host % 1000)}`,
      },
    );
  }
}

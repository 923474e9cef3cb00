import type { BoundHostPort, BoundPort } from '../network/api.ts';
import { isActive, type MachineState } from '../plan/machine-state.ts';
import type { Machine } from '../project/project.ts';

/** What of a machine's record says which ports it publishes. */
export interface PublishingRecord {
  readonly machine: string;
  readonly definition: Machine;
  readonly state: MachineState;
  readonly endpoint?: { readonly ports: readonly BoundPort[] };
}

/** The ports that are published now: none of a machine that does not run. */
export function publishedPorts({ definition, state, endpoint }: PublishingRecord): readonly BoundPort[] {
  if (!isActive(state)) return [];
  if (endpoint) return endpoint.ports;
  // The run was begun by a krun that kept no endpoints, and so knew fixed host ports only.
  return definition.ports.flatMap((port): BoundPort[] => {
    if ('socket' in port) return [port];
    return port.host === 'auto' ? [] : [{ ...port, host: port.host }];
  });
}

/** `127.0.0.1:8000-8010->8000-8010/tcp`: sorted, consecutive ones folded. */
export function portTexts(ports: readonly BoundPort[]): readonly string[] {
  const runs: { readonly first: BoundHostPort; count: number }[] = [];
  for (const port of ports.filter((port) => 'host' in port).toSorted(byPlace)) {
    const run = runs.at(-1);
    if (run && continues(run.first, run.count, port)) run.count += 1;
    else runs.push({ first: port, count: 1 });
  }
  const sockets = ports
    .filter((port) => 'socket' in port)
    .map(({ socket, guest }) => `${socket}->${guest}/tcp`);
  return [...runs.map(runText), ...sockets.toSorted()];
}

/** Where the host's end is: `127.0.0.1:8080`, or the path of a socket. */
export function hostEnd(port: BoundPort): string {
  if ('socket' in port) return port.socket;
  // Under TSI the guest's choice counts; whatever it is, the host's own loopback leads there.
  return `${bracketed(port.hostIp ?? '127.0.0.1')}:${port.host}`;
}

function byPlace(a: BoundHostPort, b: BoundHostPort): number {
  return (
    compare(a.hostIp ?? '', b.hostIp ?? '') ||
    compare(a.protocol, b.protocol) ||
    a.host - b.host ||
    a.guest - b.guest
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function continues(first: BoundHostPort, count: number, next: BoundHostPort): boolean {
  return (
    first.hostIp === next.hostIp &&
    first.protocol === next.protocol &&
    first.host + count === next.host &&
    first.guest + count === next.guest
  );
}

function runText({ first, count }: { readonly first: BoundHostPort; readonly count: number }): string {
  const numbers = (from: number): string => (count === 1 ? `${from}` : `${from}-${from + count - 1}`);
  const ip = first.hostIp === undefined ? '' : `${bracketed(first.hostIp)}:`;
  return `${ip}${numbers(first.host)}->${numbers(first.guest)}/${first.protocol}`;
}

function bracketed(ip: string): string {
  return ip.includes(':') ? `[${ip}]` : ip;
}

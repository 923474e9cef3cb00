import { own } from '../base/record.ts';
import type { BoundPort } from '../network/api.ts';
import type { HostPort, Port } from '../project/project.ts';
import type { Leases, MachineRecord } from '../store/records.ts';
import { stableOrder } from './choice.ts';
import { ActionFailure } from './failure.ts';

/** Below the ports that systems give to outgoing connections (Linux from 32768, macOS from 49152). */
const FIRST_PORT = 20_000;
const LAST_PORT = 29_999;

/** What host ports are chosen by. */
export interface PortQuestion {
  /** Tells this project's choices from those of others. */
  readonly project: string;
  readonly machine: string;
  readonly ports: readonly Port[];
  readonly leased: Leases['ports'];
  readonly others: readonly MachineRecord[];
  /** What the machine has bound already. */
  readonly held: readonly BoundPort[];
  readonly isFree: (port: number, protocol: 'tcp' | 'udp', hostIp: string | undefined) => Promise<boolean>;
}

/** Name of a port in the leases. */
export function portLease(machine: string, { protocol, guest }: HostPort): string {
  return `${machine}/${protocol}/${guest}`;
}

/** The machine's ports with every host side decided. */
export async function bindPorts(question: PortQuestion): Promise<readonly BoundPort[]> {
  const bound: BoundPort[] = [];
  const taken = takenPorts(question);
  for (const port of question.ports) {
    if ('socket' in port) {
      bound.push(port);
      continue;
    }
    const host = port.host === 'auto' ? await choosePort(port, taken, question) : port.host;
    taken.add(portKey(host, port.protocol));
    bound.push({ ...port, host });
  }
  return bound;
}

/** The leases with the ports that were chosen. */
export function withPorts(
  leased: Leases['ports'],
  machine: string,
  ports: readonly Port[],
  bound: readonly BoundPort[],
): Leases['ports'] {
  const chosen = ports.flatMap((port, index) => {
    const result = bound[index];
    if ('socket' in port || port.host !== 'auto' || !result || 'socket' in result) return [];
    return [[portLease(machine, port), result.host] as const];
  });
  if (chosen.every(([name, host]) => own(leased, name) === host)) return leased;
  return { ...leased, ...Object.fromEntries(chosen) };
}

async function choosePort(
  port: HostPort,
  taken: ReadonlySet<string>,
  { project, machine, leased, held, isFree }: PortQuestion,
): Promise<number> {
  const { protocol, hostIp } = port;
  const name = portLease(machine, port);
  const kept = own(leased, name);
  const isHeld = (host: number): boolean =>
    held.some((one) => 'host' in one && one.host === host && one.protocol === protocol);
  const isUsable = async (host: number): Promise<boolean> =>
    !taken.has(portKey(host, protocol)) && (isHeld(host) || (await isFree(host, protocol, hostIp)));
  if (kept !== undefined && (await isUsable(kept))) return kept;
  const leasedByOthers = new Set(
    Object.entries(leased).flatMap(([other, host]) => (other === name ? [] : [host])),
  );
  for (const host of stableOrder(`${project} ${name}`, FIRST_PORT, LAST_PORT)) {
    if (!leasedByOthers.has(host) && (await isUsable(host))) return host;
  }
  throw new ActionFailure(
    `no port of the host between ${FIRST_PORT} and ${LAST_PORT} is free for port ${port.guest} of machine ${machine}`,
    'write a number instead of `auto`',
  );
}

/** Ports that the other machines publish, and those that this one does not choose. */
function takenPorts({ ports, others }: PortQuestion): Set<string> {
  const all = [
    ...ports,
    ...others.flatMap(({ definition, endpoint }) => [...definition.ports, ...(endpoint?.ports ?? [])]),
  ];
  return new Set(
    all.flatMap((port) =>
      'host' in port && port.host !== 'auto' ? [portKey(port.host, port.protocol)] : [],
    ),
  );
}

function portKey(host: number, protocol: 'tcp' | 'udp'): string {
  return `${host}/${protocol}`;
}

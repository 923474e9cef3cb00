import type { Diagnostic } from '../base/diagnostic.ts';
import type { VmNetwork, VmVsockPort } from '../vm/vm.ts';
import { hostPath, oneOf, socketLength, text, wholeNumber } from './checks.ts';
import { mistake } from './error.ts';
import { Part } from './part.ts';

type Hijack = readonly ('inet' | 'unix')[];

/** A TCP port of the host that leads to one of the guest. */
export interface PortMapping {
  readonly host: number;
  readonly guest: number;
}

/** What TSI passes on. */
export interface TsiOptions {
  /** `inet` when not said; `unix` on Linux hosts only. */
  readonly hijack?: Hijack;
  /**
   * Ports of the guest that the host has under another number. The guest's other ports are not closed: libkrun >= 1.17
   * opens them on the host under the same number.
   */
  readonly ports?: readonly PortMapping[];
}

export interface VsockState {
  readonly ports: readonly VmVsockPort[];
  readonly tsi?: { readonly hijack: Hijack; readonly ports: readonly PortMapping[] };
}

export const VSOCK: VsockState = { ports: [] };

const MOST_U32 = 0xffff_ffff;

/** Sockets between guest and host. Without a word of it the guest has no vsock device and no TSI. */
export class VsockBuilder extends Part<VsockState> {
  /**
   * Joins a vsock port of the guest to a unix socket of the host. `listener` says who waits for connections: a program
   * of the `host` at the socket, or one of the `guest` at the port, for which libkrun makes the socket.
   */
  port(port: number, socket: string, listener: 'host' | 'guest' = 'host'): this {
    const path = hostPath(socket);
    return this.with(
      { ports: [...this.state.ports, { port, path, listener }] },
      wholeNumber('vsock.port', port, 0, MOST_U32),
      text('vsock.port', socket) ?? socketLength('vsock.port', path),
      oneOf('vsock.port', listener, ['host', 'guest']),
    );
  }

  /**
   * Transparent socket impersonation: sockets of the guest become sockets of this process, which reach whatever the user
   * reaches. Needs the bundled kernel.
   */
  tsi({ hijack = ['inet'], ports = [] }: TsiOptions = {}): this {
    return this.with(
      { tsi: { hijack, ports } },
      ...hijack.map((family) => oneOf('vsock.tsi', family, ['inet', 'unix'])),
      ...ports.flatMap(({ host, guest }) => [
        wholeNumber('vsock.tsi host port', host, 1, 65_535),
        wholeNumber('vsock.tsi guest port', guest, 1, 65_535),
      ]),
    );
  }
}

/** vsock's part of a machine's network. */
export function vsockOf(
  { tsi, ports }: VsockState,
  hasInterfaces: boolean,
): Pick<VmNetwork, 'vsock' | 'portMap' | 'vsockPorts'> {
  const vsockPorts = ports.length === 0 ? {} : { vsockPorts: ports };
  if (!tsi) return { vsock: ports.length === 0 ? 'none' : { hijack: [] }, ...vsockPorts };
  const hijack = [...new Set(tsi.hijack)];
  // What libkrun does by itself for a guest without interfaces.
  const isImplicit = !hasInterfaces && hijack.length === 1 && hijack[0] === 'inet';
  const portMap = hijack.includes('inet') ? { portMap: tsi.ports } : {};
  return { vsock: isImplicit ? 'implicit' : { hijack }, ...portMap, ...vsockPorts };
}

/** What does not go together. */
export function vsockMistakes({ tsi, ports }: VsockState, hasInterfaces: boolean): readonly Diagnostic[] {
  const mistakes: Diagnostic[] = [];
  if (tsi && tsi.ports.length > 0 && !tsi.hijack.includes('inet'))
    mistakes.push(mistake('vsock.tsi', "ports are published by 'inet', which `hijack` does not have"));
  if (tsi?.hijack.includes('inet') && hasInterfaces)
    mistakes.push(
      mistake(
        'vsock.tsi',
        'a guest with interfaces has no TSI for internet sockets',
        'remove tsi(), or net() and let TSI carry them',
      ),
    );
  for (const side of ['host', 'guest'] as const)
    for (const port of repeated((tsi?.ports ?? []).map((entry) => entry[side])))
      mistakes.push(mistake('vsock.tsi', `port ${port} of the ${side} is mapped twice`));
  for (const port of repeated(ports.map((entry) => entry.port)))
    mistakes.push(mistake('vsock.port', `port ${port} has two sockets`));
  return mistakes;
}

function repeated(numbers: readonly number[]): ReadonlySet<number> {
  return new Set(numbers.filter((one, index) => numbers.indexOf(one) !== index));
}

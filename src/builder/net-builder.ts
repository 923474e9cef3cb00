import type { Diagnostic } from '../base/diagnostic.ts';
import { macAddress } from '../project/mac.ts';
import type { Fd } from '../vm/calls.ts';
import type { VmInterface } from '../vm/vm.ts';
import { OWN_SOCKET_SUFFIX } from '../vm/own-socket.ts';
import { descriptor, hostPath, socketLength, text } from './checks.ts';
import { mistake, refusal } from './error.ts';
import { Part } from './part.ts';

export interface NetState {
  readonly mac?: string;
  readonly backend?: VmInterface['backend'];
  readonly offloading: boolean;
  readonly dhcp: boolean;
}

export const NET: NetState = { offloading: false, dhcp: false };

/** How a unixgram backend is greeted. */
export interface UnixgramPathOptions {
  /** Send `VFKT` first, as gvproxy's `--listen-vfkit` wants. */
  readonly vfkitMagic?: boolean;
}

const MAC_TEXT = /^[0-9a-f]{2}([:-][0-9a-f]{2}){5}$/i;

/** One virtio-net interface, eth0 first; call `net` once for each. TSI is `vsock`'s. */
export class NetBuilder extends Part<NetState> {
  /** `52:54:00:12:34:56`, or its six bytes. When not said, an address that is always the same for this interface. */
  mac(mac: string | Uint8Array | readonly number[]): this {
    const address = macText(mac);
    return address === undefined
      ? this.with({}, mistake('net.mac', `${JSON.stringify(mac)} is not a unicast MAC address`))
      : this.with({ mac: address });
  }

  /** An open socket of vmnet-helper's kind: one datagram, one frame. libkrun owns it from then on. */
  unixgram(fd: Fd): this {
    return this.#backend({ kind: 'unixgram', fd }, descriptor('net.unixgram', fd, false));
  }

  /** The socket where gvproxy or vmnet-helper listens. */
  unixgramPath(path: string, { vfkitMagic = false }: UnixgramPathOptions = {}): this {
    const where = 'net.unixgramPath';
    const socket = hostPath(path);
    const problem = text(where, path) ?? socketLength(where, socket, OWN_SOCKET_SUFFIX.length);
    return this.#backend({ kind: 'unixgram', path: socket, vfkitMagic }, problem);
  }

  /** An open socket of passt's kind: each frame after its length. libkrun owns it from then on. */
  unixstream(fd: Fd): this {
    return this.#backend({ kind: 'unixstream', fd }, descriptor('net.unixstream', fd, false));
  }

  /** The socket where passt or socket_vmnet listens. */
  unixstreamPath(path: string): this {
    const where = 'net.unixstreamPath';
    const socket = hostPath(path);
    const problem = text(where, path) ?? socketLength(where, socket);
    return this.#backend({ kind: 'unixstream', path: socket }, problem);
  }

  /** A tap device that exists (Linux). */
  tap(name: string): this {
    return this.#backend({ kind: 'tap', interface: name }, text('net.tap', name));
  }

  /** Leaves checksums and segments to the backend, which has to be told the same. */
  offloading(enabled = true): this {
    return this.with({ offloading: enabled });
  }

  /** Lets libkrun's init ask for an address, eth0 only, libkrun >= 1.18. */
  dhcp(enabled = true): this {
    return this.with({ dhcp: enabled });
  }

  /** Always refused: frames leave libkrun through a socket or a tap device only. */
  custom(_backend: unknown): this {
    const reason = "libkrun's C API has no network that the caller implements";
    const hint = 'connect a socket pair with unixgram(), and carry the frames at its other end';
    return this.with({ backend: { kind: 'tap', interface: '' } }, refusal('net.custom', reason, hint));
  }

  #backend(backend: VmInterface['backend'], problem: Diagnostic | undefined): this {
    const isSecond = this.state.backend !== undefined;
    const second = isSecond ? mistake('net', 'it has two backends', 'call net() once for each') : undefined;
    return this.with({ backend }, second, problem);
  }
}

function macText(mac: string | Uint8Array | readonly number[]): string | undefined {
  const shape =
    typeof mac === 'string' ? mac : Array.from(mac, (byte) => byte.toString(16).padStart(2, '0')).join(':');
  if (!MAC_TEXT.test(shape)) return undefined;
  const address = shape.toLowerCase().replaceAll('-', ':');
  // Bit 0 of the first byte: a group of stations, which none of them is.
  return (parseInt(address.slice(0, 2), 16) & 1) === 1 ? undefined : address;
}

/** The interfaces; `machine` and `home` tell the addresses of one machine from those of another. */
export function interfacesOf(
  states: readonly NetState[],
  { machine, home }: { readonly machine: string; readonly home: string },
): { readonly interfaces: readonly VmInterface[]; readonly mistakes: readonly Diagnostic[] } {
  const mistakes: Diagnostic[] = [];
  const interfaces = states.flatMap(({ mac, backend, offloading, dhcp }, index): VmInterface[] => {
    if (backend === undefined) {
      mistakes.push(
        mistake('net', 'it has no backend', 'name one: unixstreamPath(), unixgramPath(), tap(), …'),
      );
      return [];
    }
    const address = mac ?? macAddress({ directory: home, network: `eth${index}`, machine });
    return [{ mac: address, offloading, dhcp, backend }];
  });
  return { interfaces, mistakes };
}

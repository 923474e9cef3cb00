import type { Argument } from '../vm/calls.ts';
import { NET_FEATURES, NET_FLAGS, TSI_HIJACK } from '../vm/constants.ts';
import type { LibkrunFunction } from '../vm/functions.ts';
import { OWN_SOCKET_SUFFIX, ownSocketSuffix } from '../vm/own-socket.ts';
import { U32 } from './context-base.ts';
import type { OptionReader } from './options.ts';
import { StorageContext, type PathOptions } from './context-storage.ts';

/** What the virtio interface offers; the backend must be able to cope with it. */
export type NetFeature = keyof typeof NET_FEATURES;
/** `vfkit`: the greeting that gvproxy's vfkit socket waits for. `dhcp_client`: libkrun's init asks for an address (>= 1.18). */
export type NetFlag = keyof typeof NET_FLAGS;
export type TsiFamily = keyof typeof TSI_HIJACK;

export interface NetDeviceOptions {
  /** `52:54:00:12:34:56`. */
  readonly mac: string;
  /** None when absent. `guest_tso4`, `guest_tso6` and `guest_ufo` need `guest_csum`. */
  readonly features?: readonly NetFeature[];
  readonly flags?: readonly NetFlag[];
}

/** One of both: where the backend listens, or a socket that is connected to it. */
export type NetSocketOptions = NetDeviceOptions &
  (
    | { readonly path: string; readonly fd?: never }
    | {
        /** libkrun's from then on: do not close it. */
        readonly fd: number;
        readonly path?: never;
      }
  );

export interface NetTapOptions extends NetDeviceOptions {
  /** Name of the tap device, at most 15 bytes. */
  readonly device: string;
}

export interface VsockPortOptions extends PathOptions {
  readonly port: number;
}

export interface VsockPort2Options extends VsockPortOptions {
  /** True: libkrun makes the socket, and who connects to it reaches a program that listens in the guest. */
  readonly listen: boolean;
}

const LONGEST_INTERFACE_BYTES = 15;

/** Interfaces, sockets and ports. */
export abstract class NetworkContext extends StorageContext {
  /**
   * eth0, eth1, … over a stream socket (passt, socket_vmnet). The backend must listen before the start: a guest whose
   * backend is missing hangs while it boots. Turns the implicit TSI off. libkrun >= 1.15.
   */
  addNetUnixstream(options: NetSocketOptions): void {
    this.#addSocket('krun_add_net_unixstream', options, 0);
  }

  /** As {@link addNetUnixstream} over a datagram socket (gvproxy, vmnet-helper). libkrun >= 1.15. */
  addNetUnixgram(options: NetSocketOptions): void {
    this.#addSocket('krun_add_net_unixgram', options, ownSocketSuffix(this.binding.side.native).length);
  }

  /** A tap device that exists, or that the process may make. Opened while the guest boots. Linux, libkrun >= 1.15. */
  addNetTap(options: NetTapOptions): void {
    this.make('krun_add_net_tap', options, (o) => [
      o.text('device', { mostBytes: LONGEST_INTERFACE_BYTES, only: 'word' }),
      ...device(o),
    ]);
  }

  /** @deprecated Use {@link addNetUnixstream}. One interface; EINVAL beside the newer calls. */
  setPasstFd(options: { readonly fd: number }): void {
    this.make('krun_set_passt_fd', options, (o) => [o.descriptor('fd')]);
  }

  /** @deprecated Use {@link addNetUnixgram} with the flag `vfkit`. One interface; EINVAL beside the newer calls. */
  setGvproxyPath(options: PathOptions): void {
    this.make('krun_set_gvproxy_path', options, (o) => [o.socketPath('path', OWN_SOCKET_SUFFIX.length)]);
  }

  /** @deprecated It is for the two calls above; give the MAC address with {@link addNetUnixstream}. */
  setNetMac(options: { readonly mac: string }): void {
    this.make('krun_set_net_mac', options, (o) => [o.mac('mac')]);
  }

  /**
   * Ports of the guest under other numbers on the host, for TSI only. An empty list maps none, which keeps no port
   * closed: since 1.17 whatever listens in the guest listens on the host. EINVAL for a port that is named twice or
   * beside an interface, ENODEV without vsock. An interface that is added later drops the map.
   */
  setPortMap(options: {
    readonly ports: readonly { readonly host: number; readonly guest: number }[];
  }): void {
    this.make('krun_set_port_map', options, (o) => [
      o.records('ports', (entry) => {
        // libkrun takes 0 for a port; nothing can listen there.
        const [host, guest] = [entry.integer('host', [1, 65_535]), entry.integer('guest', [1, 65_535])];
        return `${host}:${guest}`;
      }),
    ]);
  }

  /** No vsock, no TSI and no ports, until {@link addVsock}. libkrun >= 1.17. */
  disableImplicitVsock(): void {
    this.make('krun_disable_implicit_vsock', {});
  }

  /**
   * The vsock device, and whose sockets of the guest become sockets of the host with the rights of this process; none
   * for an empty list. EEXIST unless the implicit one is disabled; EINVAL for `unix` on macOS. libkrun >= 1.17.
   */
  addVsock(options: { readonly hijack: readonly TsiFamily[] }): void {
    this.make('krun_add_vsock', options, (o) => {
      if (!o.has('hijack')) o.fail('hijack', 'is missing; it must be a list, which may be empty');
      return [o.flags('hijack', TSI_HIJACK)];
    });
  }

  /** The guest connects to a port of CID 2 and reaches a unix socket of the host. ENODEV without vsock. libkrun >= 1.8. */
  addVsockPort(options: VsockPortOptions): void {
    this.make('krun_add_vsock_port', options, (o) => [o.integer('port', [0, U32]), o.socketPath('path')]);
  }

  /**
   * As {@link addVsockPort}, or the other way round. The socket that libkrun makes stays behind: EEXIST the next time.
   * The same port again replaces it. libkrun >= 1.10.
   */
  addVsockPort2(options: VsockPort2Options): void {
    this.make('krun_add_vsock_port2', options, (o) => [
      o.integer('port', [0, U32]),
      o.socketPath('path'),
      o.flag('listen'),
    ]);
  }

  #addSocket(name: LibkrunFunction, options: NetSocketOptions, reservedBytes: number): void {
    this.make(name, options, (o) => {
      if (o.has('path') === o.has('fd')) o.fail('path', 'or fd must be given, and not both');
      const path = o.maybe('path', () => o.socketPath('path', reservedBytes));
      return [path, o.descriptorOrNone('fd'), ...device(o)];
    });
  }
}

function device(o: OptionReader): readonly Argument[] {
  return [o.mac('mac'), o.flags('features', NET_FEATURES), o.flags('flags', NET_FLAGS)];
}

/**
 * A virtual machine as krunkit's command line describes it: the words of the user, checked, nothing looked
 * up.
 */
export interface KrunkitOptions {
  /** 1 to 255. */
  readonly cpus: number;
  /** 1 to 61440. */
  readonly memoryMiB: number;
  readonly nested: boolean;
  /** Told to krunkit for vfkit's sake: nothing depends on it. */
  readonly bootloader?: KrunkitBootloader;
  /** In the order of the command line, which is that of the guest's /dev/vda, /dev/vdb and eth0, eth1. */
  readonly devices: readonly KrunkitDevice[];
  readonly restfulUri: RestfulUri;
  readonly pidFile?: string;
  /**
   * libkrun's: 0 off, 1 error, 2 warn, 3 info, 4 debug, 5 trace. Absent: info, unless RUST_LOG says
   * otherwise.
   */
  readonly logLevel?: number;
  readonly logFile?: string;
  readonly firmwarePath?: string;
  readonly oemStrings: readonly string[];
  /** Vsock port at which qemu-ga listens in the guest. */
  readonly timesyncPort?: number;
  /** vfkit's; there is no window. */
  readonly gui: boolean;
}

export interface KrunkitBootloader {
  readonly variableStore?: string;
  readonly create: boolean;
}

/** Where the REST service is; `host` is an IPv4 address. */
export type RestfulUri =
  | { readonly kind: 'none' }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

export type KrunkitDevice =
  | KrunkitDisk
  | KrunkitNet
  | KrunkitVsock
  | KrunkitShare
  | { readonly kind: 'serial'; readonly logFile: string }
  | { readonly kind: 'rng' }
  | { readonly kind: 'gpu'; readonly width: number; readonly height: number }
  | { readonly kind: 'input'; readonly type: 'keyboard' | 'pointing' };

export interface KrunkitDisk {
  readonly kind: 'disk';
  readonly path: string;
  readonly format: 'raw' | 'qcow2';
}

export interface KrunkitNet {
  readonly kind: 'net';
  readonly socket: 'unixgram' | 'unixstream';
  /** A path of the host, or a descriptor that this process was started with. */
  readonly peer: { readonly path: string } | { readonly fd: number };
  /** Lower-case colon form. */
  readonly mac: string;
  readonly offloading: boolean;
  /** Whether `VFKT` is sent first, as gvproxy's --listen-vfkit wants it. */
  readonly vfkitMagic: boolean;
}

export interface KrunkitVsock {
  readonly kind: 'vsock';
  readonly port: number;
  /** Unix socket of the host. */
  readonly path: string;
  /**
   * `host`: a program of the host listens and the guest connects, krunkit's `listen`. `guest`: its `connect`.
   */
  readonly listener: 'host' | 'guest';
}

export interface KrunkitShare {
  readonly kind: 'share';
  readonly directory: string;
  readonly tag: string;
  /** `simplified` unless the user says otherwise. */
  readonly semantics: 'complete' | 'simplified';
  readonly hasOwnSemantics: boolean;
}

/** Devices of one kind, in their order. */
export function devicesOf<K extends KrunkitDevice['kind']>(
  options: Pick<KrunkitOptions, 'devices'>,
  kind: K,
): readonly Extract<KrunkitDevice, { readonly kind: K }>[] {
  return options.devices.filter(
    (device): device is Extract<KrunkitDevice, { readonly kind: K }> => device.kind === kind,
  );
}

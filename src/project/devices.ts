/** Devices beside disks, shares and interfaces; what a machine does not have is absent, and all of it where it has none. */
export interface Devices {
  /** By port. */
  readonly vsock?: readonly VsockPort[];
  /** In the order of the file. */
  readonly consolePorts?: readonly ConsolePort[];
  /** The guest kernel's `console=`. */
  readonly kernelConsole?: string;
  readonly serial?: SerialPort;
  readonly gpu?: Gpu;
  readonly displays?: readonly Display[];
  /** Event devices of the host, absolute. */
  readonly inputs?: readonly string[];
  readonly sound?: true;
}

/** A vsock port of the guest and a unix socket of the host. */
export interface VsockPort {
  readonly port: number;
  /** Absolute. */
  readonly socket: string;
  /** `host`: a program of the host listens at the socket, the guest connects. `guest`: the other way round. */
  readonly listener: 'host' | 'guest';
}

/** A named port of a virtio console. */
export interface ConsolePort {
  readonly name: string;
  /** A socket where krun listens, or a terminal of the host whose device is linked there. */
  readonly kind: 'socket' | 'terminal';
  /** Absolute. */
  readonly path: string;
}

/** Absolute paths; nowhere and nothing when absent. */
export interface SerialPort {
  readonly log?: string;
  readonly input?: string;
}

export interface Gpu {
  readonly virgl: boolean;
  readonly venus: boolean;
  /** Further flags of virglrenderer, by the names of krun.yaml, sorted. */
  readonly flags: readonly GpuFlag[];
  readonly shmBytes?: number;
}

export type GpuFlag =
  | 'egl'
  | 'thread_sync'
  | 'glx'
  | 'surfaceless'
  | 'gles'
  | 'external_blob'
  | 'async_fence_cb'
  | 'render_server'
  | 'drm';

export interface Display {
  readonly width: number;
  readonly height: number;
  readonly refreshRateHz?: number;
  readonly dpi?: number;
  readonly physicalSizeMm?: { readonly width: number; readonly height: number };
  /** Absolute path of a file that says all of this but the size. */
  readonly edid?: string;
}

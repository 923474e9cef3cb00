import type { Fd } from './calls.ts';
import type { DISK_FORMATS, DISK_SYNCS, FS_SEMANTICS, KERNEL_FORMATS } from './constants.ts';

/**
 * One virtual machine as libkrun can build it: a value that knows nothing of krun.yaml, projects or guests with an
 * agent. What describes a machine - krun.yaml, the builder, krunkit's command line - makes one of these, and
 * `compile` turns it into the calls.
 */
export interface Vm {
  readonly log: VmLog;
  /** As many as the guest can use: the bundled kernel takes at most 16. */
  readonly vcpus: number;
  readonly memoryMiB: number;
  /** What boots; libkrunfw's kernel when absent. */
  readonly boot?: VmBoot;
  /** What libkrun mounts as the root file system; a machine that boots by itself has none. */
  readonly root?: VmRoot;
  /** In the order of the guest's /dev/vda, /dev/vdb, … */
  readonly disks: readonly VmDisk[];
  readonly shares: readonly VmShare[];
  /** Files and directories on top of the root or a share that exist in the guest only, libkrun >= 1.19. */
  readonly overlays?: readonly VmOverlay[];
  readonly network: VmNetwork;
  readonly consoles: VmConsoles;
  /** ttyS0, ttyS1, … (ttyAMA0 on arm64): for firmware and kernels without virtio-console. */
  readonly serial?: readonly VmSerial[];
  /** The bundled kernel's `console=`; hvc0 when absent. */
  readonly kernelConsole?: string;
  /** Absent where the guest does not start a command for libkrun: it boots by itself. */
  readonly exec?: VmExec;
  readonly rlimits?: readonly VmRlimit[];
  readonly devices?: VmDevices;
  /** Whether the result `shutdown` shall be a descriptor that asks the guest to shut down: libkrun on macOS. */
  readonly shutdownEvent?: boolean;
  /** Numeric host user and group that the process becomes before the machine is built, libkrun >= 1.11. */
  readonly hostUid?: number;
  readonly hostGid?: number;
}

export interface VmLog {
  /** Where the log goes; -1 is standard error. */
  readonly target: Fd;
  /** 0 off, 1 error, 2 warn, 3 info, 4 debug, 5 trace. */
  readonly level: number;
  /** Whether `RUST_LOG` has no say. */
  readonly ignoreEnvironment: boolean;
  readonly style?: 'auto' | 'always' | 'never';
}

export type VmBoot =
  /** libkrunfw's kernel, with a program of the caller's in place of libkrun's init, libkrun >= 1.19. */
  | { readonly kind: 'bundled'; readonly init: Uint8Array }
  | {
      readonly kind: 'kernel';
      readonly path: string;
      readonly format: KernelFormat;
      readonly initramfs?: string;
      /** In place of libkrun's own beginning of the line; libkrun appends to it. */
      readonly cmdline?: string;
    }
  /** An EDK2 image, which boots the first disk. */
  | { readonly kind: 'firmware'; readonly path: string };

/**
 * An uncompressed image, an ELF file, and images that hold a compressed one. x86_64 takes elf, image_bz2, image_gz and
 * image_zstd; arm64 raw and pe_gz. raw on x86_64 is a bundle like libkrunfw's.
 */
export type KernelFormat = keyof typeof KERNEL_FORMATS;

export type VmRoot =
  | {
      readonly kind: 'directory';
      readonly path: string;
      /** libkrun >= 1.18. */
      readonly readOnly?: boolean;
      readonly daxBytes?: number;
      /** As of a share. */
      readonly semantics?: FsSemantics;
    }
  /** One of the disks holds it; `device` is its name in the guest. */
  | { readonly kind: 'disk'; readonly device: string; readonly fstype?: string; readonly options?: string };

/** `vmdk`: flat and zero extents only. */
export type DiskFormat = keyof typeof DISK_FORMATS;
/** What a flush of the guest does: nothing, a flush to the host's cache (macOS; as `full` on Linux), to the medium. */
export type DiskSync = keyof typeof DISK_SYNCS;
/** `complete`: owner and mode are the guest's own, `simplified`: files belong to whoever looks, modes to the host. */
export type FsSemantics = keyof typeof FS_SEMANTICS;

export interface VmDisk {
  /** Unique name of the virtio-blk device, not seen by the guest. */
  readonly id: string;
  readonly path: string;
  readonly format: DiskFormat;
  readonly readOnly: boolean;
  readonly sync: DiskSync;
  readonly directIo: boolean;
}

export interface VmShare {
  /** virtiofs tag, 1 to 36 bytes. */
  readonly tag: string;
  readonly path: string;
  readonly readOnly: boolean;
  /** Size of the DAX window; 0 for none. */
  readonly daxBytes: number;
  /** Who owns what (macOS), libkrun >= 1.19.3; the library's own choice when absent. */
  readonly semantics?: FsSemantics;
  /** Whether a library that has no say in it is refused, and does not do as it always did. */
  readonly needsSemantics?: boolean;
}

export type VmOverlay =
  | {
      readonly kind: 'file';
      /** Of the share, or `/dev/root`. */
      readonly tag: string;
      /** Relative to the share's root; its parents are directories that were added before, none of the share's own. */
      readonly path: string;
      /** Permission bits. */
      readonly mode: number;
      readonly data: Uint8Array;
      /** It is there for the first lookup only. */
      readonly oneShot?: boolean;
    }
  | { readonly kind: 'directory'; readonly tag: string; readonly path: string; readonly mode: number };

export interface VmNetwork {
  /** In the order of the guest's eth0, eth1, … */
  readonly interfaces: readonly VmInterface[];
  /**
   * `none`: the guest has no vsock device. `implicit`: libkrun decides (TSI for guests without interfaces). Otherwise
   * which sockets of the guest become sockets of the host; an empty list is a vsock device without TSI.
   */
  readonly vsock: 'none' | 'implicit' | { readonly hijack: readonly ('inet' | 'unix')[] };
  /** TSI's port map; absent to leave libkrun's default. */
  readonly portMap?: readonly { readonly host: number; readonly guest: number }[];
  readonly vsockPorts?: readonly VmVsockPort[];
}

export interface VmInterface {
  /** Lower-case colon form. */
  readonly mac: string;
  /** krunkit's virtio features 0x4C83 instead of none. */
  readonly offloading: boolean;
  /** Whether libkrun's init shall ask for an address: eth0 only, libkrun >= 1.18. */
  readonly dhcp: boolean;
  readonly backend:
    | { readonly kind: 'unixstream'; readonly fd: Fd }
    | { readonly kind: 'unixgram'; readonly fd: Fd; readonly vfkitMagic?: boolean }
    | { readonly kind: 'unixstream'; readonly path: string }
    | { readonly kind: 'unixgram'; readonly path: string; readonly vfkitMagic: boolean }
    | { readonly kind: 'tap'; readonly interface: string };
}

export interface VmVsockPort {
  readonly port: number;
  /** Unix socket on the host. */
  readonly path: string;
  /** `host`: the host's program listens at the socket, the guest connects. `guest`: the other way round. */
  readonly listener: 'host' | 'guest';
}

export type VmConsoles =
  /** libkrun's own: on the process's terminal, or into a file, which it empties; then others. */
  | { readonly kind: 'implicit'; readonly outputFile?: string; readonly more?: readonly VmConsole[] }
  /** Exactly these, in this order. */
  | { readonly kind: 'explicit'; readonly consoles: readonly VmConsole[] };

export type VmConsole =
  /** hvc0 and the three standard streams; -1 for a stream that leads nowhere. */
  | { readonly kind: 'default'; readonly input: Fd; readonly output: Fd; readonly error: Fd }
  | { readonly kind: 'multiport'; readonly ports: readonly VmConsolePort[] };

export type VmConsolePort =
  | { readonly kind: 'terminal'; readonly name?: string; readonly fd: Fd }
  /** -1 for a direction that is not used. */
  | { readonly kind: 'inout'; readonly name?: string; readonly input: Fd; readonly output: Fd };

/** -1 for a direction that is not used: then libkrun >= 1.18. */
export interface VmSerial {
  readonly input: Fd;
  readonly output: Fd;
}

/** A command that libkrun's init starts. Its words travel on the kernel command line. */
export interface VmExec {
  readonly path: string;
  /** Without the program's own name. */
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly workingDir?: string;
  /** Whether the words were checked, or made, to pass the kernel command line as they are. */
  readonly isChecked?: boolean;
}

export interface VmRlimit {
  /** Name as in setrlimit(2), lower case without `RLIMIT_`. */
  readonly name: string;
  /** -1 for no limit. */
  readonly soft: number;
  readonly hard: number;
}

/** Devices and properties that few machines have. */
export interface VmDevices {
  readonly nestedVirt?: boolean;
  /** x86_64 Linux. */
  readonly splitIrqchip?: boolean;
  readonly gpu?: VmGpu;
  readonly displays?: readonly VmDisplay[];
  /** Event devices of the host. */
  readonly inputs?: readonly Fd[];
  readonly sound?: boolean;
  /** At most 255 bytes each; told by firmware only. */
  readonly smbiosOemStrings?: readonly string[];
  /** Configuration file of a confidential machine: libkrun-sev, libkrun-tdx. */
  readonly teeConfigFile?: string;
}

export interface VmGpu {
  /** Sum of `VIRGL_FLAGS`. */
  readonly virglFlags: number;
  /** Window for buffers shared with the host; 8 GiB of address space when absent. */
  readonly shmBytes?: number;
}

export interface VmDisplay {
  readonly width: number;
  readonly height: number;
  readonly refreshRateHz?: number;
  readonly dpi?: number;
  readonly physicalSizeMm?: { readonly width: number; readonly height: number };
  /** In place of the one that libkrun makes from the other values. */
  readonly edid?: Uint8Array;
}

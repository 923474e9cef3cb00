import type { BoundHostPort } from '../network/api.ts';
import type {
  ConsolePort,
  DiskFormat,
  DiskSync,
  Display,
  KernelFormat,
  LogLevel,
  Overlay,
  SerialPort,
} from '../project/project.ts';
import type { VmGpu, VmVsockPort } from '../vm/vm.ts';

/** Version of the contract between the supervisor that writes a spec and the machine process that reads it. */
export const MACHINE_SPEC_VERSION = 1;

/**
 * Exit code of a machine process that gave up before there was a guest; the reason is the `krun-error` line of the
 * status file. A guest may end with the same number, so the line decides.
 */
export const MACHINE_FAILED_EXIT = 70;

/**
 * All that one machine process needs, as a 0600 JSON file; `dist/machine.js SPEC` is its whole command line, so no value
 * of krun.yaml shows in a process list.
 */
export interface MachineSpec {
  readonly version: typeof MACHINE_SPEC_VERSION;
  readonly project: string;
  readonly machine: string;
  /** Counts the starts; the process gives up when `intentFile` no longer names this run. */
  readonly run: number;
  /** JSON `{"run": n}`; written before the process is spawned, removed or replaced to revoke it. */
  readonly intentFile: string;
  /** Where the process writes its {@link ProcessIdentity} before anything else. */
  readonly identityFile: string;
  /** Unix socket of `GET/POST /vm/state`. */
  readonly controlSocket: string;
  readonly files: MachineFiles;
  readonly library: { readonly libkrun: string; readonly libkrunfw?: string };
  readonly logLevel: LogLevel;
  readonly cpus: number;
  readonly memoryMiB: number;
  readonly root: SpecRoot;
  /** The bundled kernel and libkrun's init when absent. */
  readonly boot?: SpecBoot;
  readonly nested?: true;
  readonly splitIrqchip?: true;
  readonly smbiosOemStrings?: readonly string[];
  readonly tee?: { readonly config: string; readonly variant: 'sev' | 'tdx' };
  /** User and group that the process becomes when the machine is built. */
  readonly hostUid?: number;
  readonly hostGid?: number;
  readonly disks: readonly SpecDisk[];
  readonly shares: readonly {
    readonly tag: string;
    readonly path: string;
    readonly readOnly: boolean;
    readonly daxBytes: number;
  }[];
  readonly devices?: SpecDevices;
  readonly rlimits: readonly { readonly name: string; readonly soft: number; readonly hard: number }[];
  readonly network: SpecNetwork;
  readonly guest: GuestSpec;
  readonly stopSignal: string;
  /**
   * File with the guest's secrets and configs: {@link GuestFile}[] as JSON, mode 0600, in the runtime directory. The
   * process reads it and removes it at once. Absent where there are none.
   */
  readonly guestFiles?: string;
}

export type SpecRoot =
  | {
      readonly kind: 'directory';
      readonly path: string;
      readonly readOnly?: true;
      readonly overlay?: Overlay;
    }
  /** The first entry of `disks` holds the root. */
  | { readonly kind: 'disk'; readonly device: string; readonly fstype?: string; readonly options?: string }
  /** The guest finds its root by itself, on a disk or in an initrd. */
  | { readonly kind: 'none' };

export type SpecBoot =
  | {
      readonly kind: 'kernel';
      readonly path: string;
      readonly format: KernelFormat;
      readonly initrd?: string;
      readonly cmdline?: string;
    }
  | { readonly kind: 'firmware'; readonly path: string }
  /** A program of the host in place of libkrun's init. */
  | { readonly kind: 'init'; readonly path: string };

/** What a machine has beside disks, shares, interfaces and the agent's console; absent where it has none. */
export interface SpecDevices {
  readonly vsock?: readonly SpecVsockPort[];
  /** The user's own, where no console of the agent carries them. */
  readonly consolePorts?: readonly ConsolePort[];
  readonly kernelConsole?: string;
  readonly serial?: SerialPort;
  readonly gpu?: VmGpu;
  readonly displays?: readonly Display[];
  /** Event devices of the host. */
  readonly inputs?: readonly string[];
  readonly sound?: true;
}

export interface SpecVsockPort extends VmVsockPort {
  /**
   * Where the socket of a guest that listens is linked. libkrun makes it open for everybody, so `path` is in a directory
   * of the user's alone.
   */
  readonly link?: string;
}

/** A secret or config as the guest gets it, in a file system in memory. */
export interface GuestFile {
  /** Absolute path in the guest. */
  readonly target: string;
  readonly uid: number;
  readonly gid: number;
  /** Permission bits. */
  readonly mode: number;
  /** Base64: any bytes. */
  readonly contents: string;
}

/** Without interfaces and TSI the guest has no network at all. */
export interface SpecNetwork {
  readonly tsi?: {
    readonly hijack: readonly ('inet' | 'unix')[];
    readonly ports: readonly { readonly host: number; readonly guest: number }[];
  };
  /** In the order of the guest's interfaces, eth0 first. */
  readonly interfaces: readonly SpecInterface[];
  /** Host ports that this process, or its libkrun, holds: locked for its life against other machines of the user. */
  readonly hostPorts: readonly { readonly host: number; readonly protocol: 'tcp' | 'udp' }[];
}

export interface SpecInterface {
  /** Lower-case colon form. */
  readonly mac: string;
  /** krunkit's virtio features 0x4C83 instead of none. */
  readonly offloading: boolean;
  /** Whether libkrun's init shall ask for an address, where it can (1.18). */
  readonly dhcp: boolean;
  readonly backend: SpecBackend;
}

export type SpecBackend =
  /** Connected before the start, so that an absent peer is an error and not a guest that hangs. */
  | { readonly kind: 'unixstream'; readonly path: string }
  | { readonly kind: 'unixgram'; readonly path: string; readonly vfkitMagic: boolean }
  | { readonly kind: 'tap'; readonly interface: string }
  | ({ readonly kind: 'passt' } & PasstSettings)
  | ({ readonly kind: 'vmnet-helper' } & VmnetSettings);

export interface PasstSettings {
  readonly program: string;
  /** Address of the guest, with the prefix length of its subnet: `192.168.127.2/24`. */
  readonly address: string;
  readonly gateway: string;
  readonly mtu: number;
  readonly hostAccess: boolean;
  readonly dns: readonly string[];
  readonly dnsSearch: readonly string[];
  readonly ports: readonly BoundHostPort[];
}

export interface VmnetSettings {
  readonly program: string;
  readonly mode: 'shared' | 'host' | 'bridged';
  readonly interface?: string;
  readonly isolation: boolean;
  readonly addresses?: { readonly start: string; readonly end: string; readonly mask: string };
  /** UUID that gives the machine the same address at each start. */
  readonly interfaceId: string;
}

/** What the guest is told about its network. */
export interface GuestNetwork {
  readonly interfaces: readonly GuestInterface[];
  readonly nameservers: readonly string[];
  readonly searchDomains: readonly string[];
  /** Lines of /etc/hosts beside those of the guest itself. */
  readonly hosts: readonly { readonly ip: string; readonly names: readonly string[] }[];
}

export interface GuestInterface {
  /** `eth0`, `eth1`, … */
  readonly device: string;
  readonly mtu: number;
  /** With prefix length; the guest asks a DHCP server when absent. */
  readonly address?: string;
  /** Only of the interface that is the way out. */
  readonly gateway?: string;
}

export interface SpecDisk {
  /** Unique name of the virtio-blk device, not seen by the guest. */
  readonly id: string;
  readonly path: string;
  readonly format: DiskFormat;
  readonly readOnly: boolean;
  readonly sync: DiskSync;
  readonly directIo: boolean;
}

/** Files that libkrun itself appends to; nothing between guest and disk passes through JavaScript. */
export interface MachineFiles {
  readonly stdout: string;
  readonly stderr: string;
  /** Guest kernel, libkrun's log, and whatever the machine process writes to its own stderr. */
  readonly console: string;
  /** Output of passt and vmnet-helper, where the machine process runs them. */
  readonly helper: string;
  /** Lines of the guest's bootstrap: `ready`, `exit N`; see docs/guest-protocol.md. */
  readonly status: string;
}

export type GuestSpec =
  /** A shell script sent over a console port does the mounts, starts the command and reports its exit code. */
  | {
      readonly kind: 'bootstrap';
      readonly command: readonly string[];
      readonly environment: Readonly<Record<string, string>>;
      readonly workingDir: string;
      readonly hostname: string;
      readonly network: GuestNetwork;
      readonly mounts: readonly {
        readonly tag: string;
        readonly target: string;
        readonly readOnly: boolean;
      }[];
      /** `NAME|UID[:GROUP|GID]` of the command and of sessions; root when absent. */
      readonly user?: string;
      /** The command has a terminal: its output goes through this process to the file of stdout. */
      readonly tty?: boolean;
      /** The command's standard input is what clients of `POST /sessions` with `attach` send; /dev/null otherwise. */
      readonly stdinOpen?: boolean;
      /** There is no command: the guest lives for its sessions, until it is stopped. `command` is not used. */
      readonly idle?: boolean;
      /** Run in the guest by a stop, in place of the signal; the signal follows when it fails, or is late. */
      readonly stopCommand?: readonly string[];
      /** What a stop is given before the machine is ended by force; the stop command has most of it. */
      readonly stopGracePeriodMs?: number;
      /** The user's own ports, which the agent's console carries too. */
      readonly ports?: readonly ConsolePort[];
      /** How many sessions and terminals there can be at a time. */
      readonly sessions?: { readonly slots: number; readonly terminals: number };
    }
  /** libkrun's init starts the command; short, plain ASCII words only. */
  | {
      readonly kind: 'direct';
      /** Empty where the root says what to run. */
      readonly command: readonly string[];
      readonly environment: Readonly<Record<string, string>>;
      readonly workingDir: string;
    }
  /** It boots by itself: nothing is started in it, and nothing is known of its end. */
  | {
      readonly kind: 'self';
      /** What an init of the user's own is given; nobody else would see it. */
      readonly exec?: {
        readonly command: readonly string[];
        readonly environment: Readonly<Record<string, string>>;
        readonly workingDir: string;
      };
    };

/** Names one process for ever: a pid alone is reused, and a boot makes all earlier ones void. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Kernel's start time of the process: clock ticks since boot on Linux, `ps -o lstart` text on macOS. */
  readonly startTime: string;
  readonly bootId: string;
  readonly run: number;
}

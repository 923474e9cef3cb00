import type { DiskFormat, DiskSync } from '../vm/vm.ts';
import type { FileGrant, Healthcheck, WatchRule } from './agent-work.ts';
import type { Boot, Root } from './boot.ts';
import type { Devices } from './devices.ts';
import type { Attachment, NetworkChoice, Port } from './network.ts';

export type { DiskFormat, DiskSync };
export type * from './agent-work.ts';
export type * from './boot.ts';
export type * from './devices.ts';
export type * from './network.ts';

/**
 * The resolved project: one shape for each thing, every default filled in, every path absolute, every unit in the
 * name. Plain JSON values only, because it crosses process borders. Names are sorted.
 */
export interface Project {
  readonly name: string;
  /** Real, absolute path of the directory that relative paths start from. */
  readonly directory: string;
  /** Configuration files in merge order, absolute. */
  readonly files: readonly string[];
  readonly libkrun: LibkrunSettings;
  /** Enabled machines (after profiles), by name. */
  readonly machines: Readonly<Record<string, Machine>>;
  /** Names of machines that exist in the file but whose profile is not active; they are not orphans. */
  readonly disabledMachines: readonly string[];
  /** Named disks, by name. */
  readonly disks: Readonly<Record<string, Disk>>;
  /** The networks that enabled machines are on, with the reason where krun chose the driver. */
  readonly networks: Readonly<Record<string, NetworkChoice>>;
  /** Where values were written: dotted path such as `machines.web.memory` to `krun.yaml:7`. */
  readonly origins: Readonly<Record<string, string>>;
}

export interface LibkrunSettings {
  /** Absolute path of libkrun.so.1 / libkrun.1.dylib; found by discovery when absent. */
  readonly library?: string;
  /** Absolute path of libkrunfw; found by discovery when absent. */
  readonly kernelBundle?: string;
  readonly logLevel: LogLevel;
}

export type LogLevel = 'off' | 'error' | 'warn' | 'info' | 'debug' | 'trace';

export interface Machine {
  readonly name: string;
  readonly kind: 'service' | 'task';
  readonly cpus: number;
  readonly memoryMiB: number;
  readonly root: Root;
  /** What boots in place of the bundled kernel and libkrun's init. */
  readonly boot?: Boot;
  /** The guest can run virtual machines itself. */
  readonly nested?: true;
  /** The I/O interrupt controller is in user space (x86_64 Linux). */
  readonly splitIrqchip?: true;
  /** SMBIOS strings of type 11, at most 255 bytes each. */
  readonly smbiosOemStrings?: readonly string[];
  /** Absolute path of libkrun's configuration file of a confidential machine. */
  readonly teeConfig?: string;
  /** Host user and group that the machine process becomes. */
  readonly hostUid?: number;
  readonly hostGid?: number;
  readonly build?: Build;
  /** `entrypoint` followed by `command`; empty where the guest knows by itself what to run. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Absolute path in the guest. */
  readonly workingDir: string;
  /** `NAME|UID[:GROUP|GID]` of the command and of sessions; root when absent. */
  readonly user?: string;
  /** The command has a terminal. */
  readonly tty: boolean;
  /** The command's standard input stays open for `krun attach`; /dev/null otherwise. */
  readonly stdinOpen: boolean;
  readonly hostname: string;
  readonly rlimits: readonly Rlimit[];
  /** Data disks in the order of the file; a block root comes first and is not repeated here. */
  readonly disks: readonly DiskAttachment[];
  readonly shares: readonly Share[];
  /** In the order of the guest's interfaces, eth0 first; TSI makes none. Empty: no network at all. */
  readonly networks: readonly Attachment[];
  /** Published ports, ranges taken apart, sorted. */
  readonly ports: readonly Port[];
  /** Files in the guest's memory, by target. */
  readonly secrets: readonly FileGrant[];
  /** Files in the guest's memory, by target. */
  readonly configs: readonly FileGrant[];
  readonly healthcheck?: Healthcheck;
  readonly dependsOn: Readonly<Record<string, Dependency>>;
  readonly restart: RestartPolicy;
  /** Signal name such as `SIGTERM`. */
  readonly stopSignal: string;
  readonly stopGracePeriodMs: number;
  /** Words of a command in the guest that ends it in place of the signal; empty for none. */
  readonly stopCommand: readonly string[];
  /** Time from start until the guest must have reported in. */
  readonly bootTimeoutMs: number;
  /** False for roots without a shell: the command is started by libkrun's own init, and nothing else is done in the guest. */
  readonly agent: boolean;
  readonly logs: LogSettings;
  readonly libkrun: LibkrunSettings;
  /** Absent where the machine has none. */
  readonly devices?: Devices;
  /** Rules of `krun watch` in the order of the file. */
  readonly watch: readonly WatchRule[];
  /** Programs that the file names; others are looked for where they usually are. */
  readonly helpers: HelperPaths;
  /** What secret-looking variables put into the fields above; hidden where the machine is shown. Absent for none. */
  readonly hidden?: readonly string[];
  /** Made by `krun run` for one command; absent for the machines of krun.yaml. */
  readonly oneOff?: OneOff;
}

/** What makes a machine one that `krun run` made. */
export interface OneOff {
  /** The machine of krun.yaml that it is like. */
  readonly of: string;
  /** Its guest waits for a session instead of running the machine's command. */
  readonly idle: boolean;
  /** It goes when it has ended. */
  readonly removed: boolean;
}

/** Absolute paths of network helpers. */
export type HelperPaths = Readonly<Partial<Record<HelperName, string>>>;
export type HelperName = 'gvproxy' | 'passt' | 'vmnet-helper';

/** Makes a machine's root or image before its first start and again when an input changed. */
export interface Build {
  /** Words, started without a shell. */
  readonly command: readonly string[];
  /** Absolute paths or globs whose contents decide whether the build is stale. */
  readonly inputs: readonly string[];
  /** Absolute. */
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
}

export interface Rlimit {
  /** Lower-case name without `RLIMIT_`, such as `nofile`. */
  readonly name: string;
  /** -1 means unlimited. */
  readonly soft: number;
  /** -1 means unlimited. */
  readonly hard: number;
}

export interface DiskAttachment {
  /** A named disk of the project, or an image file of the user's. */
  readonly source:
    | { readonly kind: 'named'; readonly name: string }
    | { readonly kind: 'file'; readonly path: string };
  readonly format: DiskFormat;
  readonly readOnly: boolean;
  readonly sync: DiskSync;
  readonly directIo: boolean;
}

/** A disk that krun makes and keeps under `.krun/`. */
export interface Disk {
  readonly name: string;
  readonly sizeBytes: number;
  readonly format: 'raw' | 'qcow2';
  /** Formatted once, when it is made. */
  readonly fstype?: string;
  /** Refuses `down -v`. */
  readonly protect: boolean;
}

export interface Share {
  /** Absolute host directory. */
  readonly source: string;
  /** Absolute guest path; absent when the guest mounts the tag by itself. */
  readonly target?: string;
  /** virtiofs tag, at most 36 bytes. */
  readonly tag: string;
  readonly readOnly: boolean;
  /** Size of the DAX window; 0 for none. */
  readonly daxBytes: number;
  /** Changes on the host wake file watchers in the guest. */
  readonly notify?: true;
}

export interface Dependency {
  readonly condition: 'started' | 'healthy' | 'log_ready' | 'completed_successfully';
  /** Starts this machine again after a plan has started the other again. */
  readonly restart?: true;
  /** Goes on, with a warning, where the other fails its condition. */
  readonly isOptional?: true;
}

export type RestartPolicy =
  | { readonly policy: 'no' }
  | { readonly policy: 'always' }
  | { readonly policy: 'unless-stopped' }
  | { readonly policy: 'on-failure'; /** No limit when absent. */ readonly maxRetries?: number };

export interface LogSettings {
  readonly maxBytes: number;
  readonly maxFiles: number;
  /** Absolute path of a file that gets all that the machine says, as plain text. */
  readonly consoleFile?: string;
}

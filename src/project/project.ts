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
  readonly build?: Build;
  /** `entrypoint` followed by `command`; at least one word. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Absolute path in the guest. */
  readonly workingDir: string;
  readonly hostname: string;
  readonly rlimits: readonly Rlimit[];
  /** Data disks in the order of the file; a block root comes first and is not repeated here. */
  readonly disks: readonly DiskAttachment[];
  readonly shares: readonly Share[];
  readonly network: MachineNetwork;
  readonly dependsOn: Readonly<Record<string, Dependency>>;
  readonly restart: RestartPolicy;
  /** Signal name such as `SIGTERM`. */
  readonly stopSignal: string;
  readonly stopGracePeriodMs: number;
  /** Time from start until the guest must have reported in. */
  readonly bootTimeoutMs: number;
  /** False for roots without a shell: the command is started by libkrun's own init, and nothing else is done in the guest. */
  readonly agent: boolean;
  readonly logs: LogSettings;
  readonly libkrun: LibkrunSettings;
}

export type Root =
  | { readonly kind: 'directory'; readonly path: string }
  | {
      readonly kind: 'disk';
      readonly disk: DiskAttachment;
      /** Device in the guest, `/dev/vda` or a partition of it. */
      readonly device: string;
      /** File system in the guest; probed by the kernel when absent. */
      readonly fstype?: string;
      /** mount(8) options. */
      readonly options?: string;
    };

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

export type DiskFormat = 'raw' | 'qcow2' | 'vmdk';
export type DiskSync = 'none' | 'relaxed' | 'full';

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
}

export type MachineNetwork =
  | { readonly driver: 'none' }
  /** libkrun's transparent socket impersonation: guest sockets become host sockets. */
  | { readonly driver: 'tsi'; readonly ports: readonly Port[] };

export interface Port {
  readonly host: number;
  readonly guest: number;
  readonly protocol: 'tcp' | 'udp';
}

export interface Dependency {
  readonly condition: 'started' | 'completed_successfully';
}

export type RestartPolicy =
  | { readonly policy: 'no' }
  | { readonly policy: 'always' }
  | { readonly policy: 'unless-stopped' }
  | { readonly policy: 'on-failure'; /** No limit when absent. */ readonly maxRetries?: number };

export interface LogSettings {
  readonly maxBytes: number;
  readonly maxFiles: number;
}

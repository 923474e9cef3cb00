import type { DiskFormat, DiskSync, LogLevel } from '../project/project.ts';

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
  readonly root:
    | { readonly kind: 'directory'; readonly path: string }
    /** The first entry of `disks` holds the root. */
    | { readonly kind: 'disk'; readonly device: string; readonly fstype?: string; readonly options?: string };
  readonly disks: readonly SpecDisk[];
  readonly shares: readonly {
    readonly tag: string;
    readonly path: string;
    readonly readOnly: boolean;
    readonly daxBytes: number;
  }[];
  readonly rlimits: readonly { readonly name: string; readonly soft: number; readonly hard: number }[];
  readonly network:
    | { readonly driver: 'none' }
    | {
        readonly driver: 'tsi';
        readonly ports: readonly { readonly host: number; readonly guest: number }[];
      };
  readonly guest: GuestSpec;
  readonly stopSignal: string;
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
      readonly mounts: readonly {
        readonly tag: string;
        readonly target: string;
        readonly readOnly: boolean;
      }[];
    }
  /** libkrun's init starts the command; short, plain ASCII words only. */
  | {
      readonly kind: 'direct';
      readonly command: readonly string[];
      readonly environment: Readonly<Record<string, string>>;
      readonly workingDir: string;
    };

/** Names one process for ever: a pid alone is reused, and a boot makes all earlier ones void. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Kernel's start time of the process: clock ticks since boot on Linux, `ps -o lstart` text on macOS. */
  readonly startTime: string;
  readonly bootId: string;
  readonly run: number;
}

import type { BoundPort } from '../network/api.ts';
import type { Machine, Network } from '../project/project.ts';
import type { MachineState } from '../plan/machine-state.ts';

/** Raised when the files' meaning changes; a newer one than ours is refused, an older one is read. */
export const STATE_SCHEMA_VERSION = 1;

/** `project.json`. */
export interface ProjectRecord {
  readonly schemaVersion: number;
  readonly name: string;
  readonly directory: string;
  readonly files: readonly string[];
}

/** `machines/<name>/record.json`, replaced atomically at each change. */
export interface MachineRecord {
  readonly schemaVersion: number;
  readonly machine: string;
  /** When the machine was created, ISO 8601. */
  readonly createdAt: string;
  readonly hash: string;
  readonly definition: Machine;
  readonly state: MachineState;
  /** Number of the newest run; counts on when the machine is made anew, because its log does. */
  readonly run: number;
  /** Automatic restarts since creation. */
  readonly restarts: number;
  /** Boot of the host that the newest run belongs to; another boot makes its state void. */
  readonly bootId?: string;
  /** Which attempt of the restart policy began the newest run; absent where a plan did. */
  readonly attempt?: number;
  readonly stoppedByUser: boolean;
  /** What the newest run has of the networks; absent before the first. */
  readonly endpoint?: Endpoint;
}

/** Addresses and ports as they came out: what `ps`, `port` and `network inspect` show. */
export interface Endpoint {
  readonly interfaces: readonly {
    readonly network: string;
    readonly device: string;
    readonly mac: string;
    /** Absent where a DHCP server outside of krun decides. */
    readonly ip?: string;
  }[];
  readonly ports: readonly BoundPort[];
}

/** `networks/<name>/record.json`. */
export interface NetworkRecord {
  readonly schemaVersion: number;
  readonly network: string;
  /** As its members have it; the running process was started from this one. */
  readonly definition: Network;
  readonly run: number;
  readonly bootId?: string;
}

/** `leases.json`. */
export interface Leases {
  readonly schemaVersion: number;
  /** IPv4 address by machine by network. */
  readonly addresses: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Host port by `machine/protocol/guest port`. */
  readonly ports: Readonly<Record<string, number>>;
}

/** Record of a machine that was never started. */
export function newRecord(definition: Machine, hash: string, createdAt: string): MachineRecord {
  return {
    schemaVersion: STATE_SCHEMA_VERSION,
    machine: definition.name,
    createdAt,
    hash,
    definition,
    state: { status: 'created' },
    run: 0,
    restarts: 0,
    stoppedByUser: false,
  };
}

/** The record for a run that a plan begins. */
export function withoutAttempt(record: MachineRecord): MachineRecord {
  const { attempt: _, ...rest } = record;
  return rest;
}

/** Bytes of each raw file that are in the log. */
export type LogOffsets = readonly [stdout: number, stderr: number, console: number, helper: number];

/**
 * One line of `log.jsonl`. `o` holds how far each raw file of the run has been taken in once this line is written, so
 * the last whole line is all that is needed to go on after a crash without loss or repetition.
 */
export interface LogLine {
  /** ISO 8601 time of ingestion. */
  readonly t: string;
  readonly r: number;
  /** `helper`: a program that krun runs for a network; `network`: krun's own network process. */
  readonly s: 'stdout' | 'stderr' | 'console' | 'helper' | 'network';
  /** Text without its newline. */
  readonly l: string;
  /** Lines of earlier versions have no fourth number. */
  readonly o: LogOffsets | readonly [stdout: number, stderr: number, console: number];
  /** The line goes on in the next record of the stream. */
  readonly p?: true;
}

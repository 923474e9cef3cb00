import type { Machine } from '../project/project.ts';
import type { MachineState } from './machine-state.ts';

/** What was seen before planning: records checked against live processes and files, never what was hoped. */
export interface Observed {
  readonly machines: Readonly<Record<string, ObservedMachine>>;
  readonly disks: Readonly<Record<string, ObservedDisk>>;
  /** Machines whose `build` has to run, with the reason: `never built`, `input mkroot.sh changed`. */
  readonly staleBuilds: Readonly<Record<string, string>>;
  /** Running machines whose secrets or configs hold something else now, with the reason: `secret token changed`. */
  readonly changedGrants?: Readonly<Record<string, string>>;
}

export interface ObservedMachine {
  /** Hash of the effective definition that the machine was created from. */
  readonly hash: string;
  /** That definition, so that a plan can say which field changed. */
  readonly definition: Machine;
  readonly state: MachineState;
  /** Stopped by the user: `unless-stopped` and `up` without a change respect it differently from a crash. */
  readonly stoppedByUser: boolean;
}

export interface ObservedDisk {
  readonly format: 'raw' | 'qcow2';
  readonly sizeBytes: number;
}

/**
 * HTTP over the network process's control socket, JSON bodies:
 *
 *     GET    /state            NetworkState; answers as soon as the process is there
 *     PUT    /members/NAME     Member; waits until the network is ready or has failed, then opens its link, joins its
 *                              names, publishes its ports. 200 with MemberStatus, or 409 with Refusal: then
 *                              nothing was changed
 *     DELETE /members/NAME     closes all that belongs to it; 204
 *     GET    /members/NAME/ports/PORT   with `Upgrade: krun-tunnel`: a connection to a TCP port of the guest. 101 once
 *                              the guest has accepted, then its bytes; 409 with Refusal where it does not
 *     POST   /stop             ends helper and process; 202
 */
import type { HostSocket } from '../project/project.ts';

/** What a network is told about one machine. Sent again, whole, when something of it changes. */
export interface Member {
  readonly mac: string;
  /** IPv4 address of the guest. */
  readonly ip: string;
  /** Lower-case names that lead to it: machine, hostname, aliases. */
  readonly names: readonly string[];
  /** Where the machine's libkrun is to connect; absent where its link is not ours. */
  readonly linkSocket?: string;
  readonly ports: readonly BoundPort[];
}

/** A published port whose host side is decided. */
export type BoundPort = BoundHostPort | HostSocket;

export interface BoundHostPort {
  readonly host: number;
  /** Absent under TSI, where the guest's own choice counts. */
  readonly hostIp?: string;
  readonly guest: number;
  readonly protocol: 'tcp' | 'udp';
  readonly name?: string;
}

export interface MemberStatus extends Member {
  /** The machine has its link open. */
  readonly connected: boolean;
  /** From the machine to the network, and back. */
  readonly sent: LinkCounters;
  readonly received: LinkCounters;
}

export interface LinkCounters {
  readonly frames: number;
  readonly bytes: number;
  /** Frames that were discarded: queue full, too short, or refused. */
  readonly dropped: number;
}

export interface NetworkState {
  readonly version: number;
  readonly run: number;
  /** `failed` is final: the uplink never came up, and the process waits to be stopped. */
  readonly status: 'starting' | 'ready' | 'recovering' | 'failed';
  /** Why it is not ready. */
  readonly reason?: string;
  readonly hint?: string;
  readonly gateway?: string;
  readonly helper?: {
    readonly name: 'gvproxy';
    readonly path: string;
    readonly version: string;
    readonly pid?: number;
    /** Times that it was started again after it had ended by itself. */
    readonly restarts: number;
  };
  readonly members: Readonly<Record<string, MemberStatus>>;
}

export interface Refusal {
  readonly message: string;
  readonly hint?: string;
}

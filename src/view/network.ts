import type { MemberStatus, NetworkState } from '../network/api.ts';
import type { Network } from '../project/project.ts';
import type { BoundPort } from '../network/api.ts';

/** A network as it was found. */
export interface SeenNetwork {
  readonly name: string;
  readonly definition: Network;
  /** Why `auto` became this driver, where krun.yaml still says so. */
  readonly why?: string;
  /** Absent where the network works without a process of krun's. */
  readonly process?: NetworkAnswer | undefined;
  /** By name. */
  readonly members: readonly SeenMember[];
}

/** What became of the question to a network process. */
export type NetworkAnswer =
  | { readonly kind: 'state'; readonly state: NetworkState }
  | { readonly kind: 'absent' }
  | { readonly kind: 'silent'; readonly message: string };

/** A machine on a network. */
export interface SeenMember {
  readonly machine: string;
  /** It runs or is about to. */
  readonly active: boolean;
  /** Interface in the guest; absent before the first start and under TSI. */
  readonly device?: string;
  readonly mac?: string;
  readonly ip?: string;
  /** What other machines find it by; empty where the network has no names. */
  readonly names: readonly string[];
  readonly ports: readonly BoundPort[];
  /** What the network process says of it. */
  readonly live?: MemberStatus;
  /** Program that the machine's own process runs for it: passt, vmnet-helper. */
  readonly helper?: { readonly path: string; readonly pid?: number };
}

export interface NetworkStatus {
  readonly status: 'ready' | 'starting' | 'recovering' | 'failed' | 'down' | 'not answering' | 'stopped';
  readonly reason?: string;
  readonly hint?: string;
}

/** What of a network is true now: nothing is called ready because a record says so. */
export function networkStatus({ process, members }: SeenNetwork): NetworkStatus {
  const isUsed = members.some(({ active }) => active);
  switch (process?.kind) {
    case 'state': {
      const { status, reason, hint } = process.state;
      return { status, ...(reason !== undefined && { reason }), ...(hint !== undefined && { hint }) };
    }
    case 'silent':
      return {
        status: 'not answering',
        reason: process.message,
        hint: 'krun logs --helpers shows what it said last',
      };
    case 'absent':
      if (!isUsed) return { status: 'stopped' };
      return {
        status: 'down',
        reason: 'its process does not run',
        hint: 'krun up starts it again; krun logs --helpers shows what it said last',
      };
    case undefined:
      return { status: isUsed ? 'ready' : 'stopped' };
  }
}

/** `ready`, or `recovering: gvproxy ended (SIGKILL)`. */
export function networkStatusText(network: SeenNetwork): string {
  const { status, reason } = networkStatus(network);
  return reason === undefined ? status : `${status}: ${reason}`;
}

/** The addresses of a network, as far as krun decides them. */
export function subnetOf(definition: Network): string | undefined {
  if ('subnet' in definition) return definition.subnet;
  if (definition.driver !== 'vmnet' || !definition.addresses) return undefined;
  const { start, end } = definition.addresses;
  return `${start} to ${end}`;
}

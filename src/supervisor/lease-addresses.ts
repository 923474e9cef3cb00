import {
  firstMember,
  formatIpv4,
  isMemberAddress,
  lastMember,
  parseIpv4,
  parseSubnet,
  type Subnet,
} from '../base/ipv4.ts';
import { own } from '../base/record.ts';
import { isActive } from '../plan/machine-state.ts';
import type { Attachment, Network } from '../project/project.ts';
import type { Leases, MachineRecord } from '../store/records.ts';
import { stableOrder } from './choice.ts';
import { ActionFailure } from './failure.ts';

type Addresses = Leases['addresses'];

/** What an address is chosen by. */
export interface AddressQuestion {
  readonly machine: string;
  readonly attachment: Attachment;
  readonly leased: Addresses;
  /** The other machines of the project. */
  readonly others: readonly MachineRecord[];
}

/** The network from which krun gives its machines their addresses; undefined where somebody else does. */
export function leasedSubnet(network: Network): Subnet | undefined {
  return 'subnet' in network && network.subnet !== undefined ? parseSubnet(network.subnet) : undefined;
}

/**
 * The machine's address on a network: the file's, else the one that it had before, else a free one. Undefined where a
 * DHCP server outside of krun decides. Throws an {@link ActionFailure} where there is none to have.
 */
export function chooseAddress(question: AddressQuestion): string | undefined {
  const { machine, attachment, others } = question;
  const { network, ip } = attachment;
  if (ip !== undefined) {
    refuseHeld(question, ip);
    return ip;
  }
  const subnet = leasedSubnet(network);
  if (!subnet) return undefined;
  const reserved = new Set([
    ...others.flatMap((other) => addressesOf(other, network.name)),
    ...('gateway' in network && network.gateway !== undefined ? [network.gateway] : []),
  ]);
  const leased = own(question.leased, network.name) ?? {};
  const kept = own(leased, machine);
  if (kept !== undefined && isMember(subnet, kept) && !reserved.has(kept)) return kept;
  const leasedByOthers = new Set(Object.values(leased));
  let last: string | undefined;
  for (const candidate of stableOrder(
    `${network.name} ${machine}`,
    firstMember(subnet),
    lastMember(subnet),
  )) {
    const address = formatIpv4(candidate);
    if (reserved.has(address)) continue;
    if (!leasedByOthers.has(address)) return address;
    last ??= address;
  }
  // Kept for a machine that may come back; this one is here.
  if (last !== undefined) return last;
  throw new ActionFailure(
    `network ${network.name} has no free address for machine ${machine}`,
    'give it a larger `subnet`',
  );
}

/** The leases with the machine's address in them, and without those that it displaced. */
export function withAddress(leased: Addresses, network: string, machine: string, address: string): Addresses {
  const before = own(leased, network) ?? {};
  if (own(before, machine) === address && countOf(before, address) === 1) return leased;
  const rest = Object.entries(before).filter(([name, other]) => name !== machine && other !== address);
  return { ...leased, [network]: { ...Object.fromEntries(rest), [machine]: address } };
}

/** Another machine may run with the address that the file gives to this one by now. */
function refuseHeld({ machine, attachment, others }: AddressQuestion, ip: string): void {
  const { name } = attachment.network;
  const holder = others.find(
    (other) =>
      isActive(other.state) &&
      other.endpoint?.interfaces.some((one) => one.network === name && one.ip === ip) === true,
  );
  if (!holder) return;
  throw new ActionFailure(
    `machine ${machine} cannot have ${ip} on network ${name} while machine ${holder.machine} runs with it`,
    `let ${holder.machine} take another address: krun restart ${holder.machine}`,
  );
}

/** Addresses that a machine has, or will have because the file says so. */
function addressesOf({ definition, endpoint, state }: MachineRecord, network: string): readonly string[] {
  const fixed = definition.networks.flatMap(({ network: { name }, ip }) =>
    name === network && ip !== undefined ? [ip] : [],
  );
  const held = isActive(state) ? (endpoint?.interfaces ?? []) : [];
  return [...fixed, ...held.flatMap((one) => (one.network === network ? (one.ip ?? []) : []))];
}

function isMember(subnet: Subnet, text: string): boolean {
  const address = parseIpv4(text);
  return address !== undefined && isMemberAddress(subnet, address);
}

function countOf(addresses: Readonly<Record<string, string>>, address: string): number {
  return Object.values(addresses).filter((other) => other === address).length;
}

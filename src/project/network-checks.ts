import { firstMember, formatSubnet, lastMember, overlaps, parseSubnet, type Subnet } from '../base/ipv4.ts';
import type { DriverChoice } from './driver-choice.ts';
import { bareName, checkNames, hasNames, type PlacedName } from './network-names.ts';
import type { MachineWish, NetworkWish } from './network-wishes.ts';
import type { Place } from './place.ts';
import type { Attachment, Network } from './project.ts';

/** A machine on a network, with its positions. */
export interface PlacedAttachment {
  readonly wish: MachineWish;
  readonly attachment: Attachment;
  readonly place: Place;
}

/** What the members of a network cannot have in common, and what a machine cannot be on twice. */
export function checkMembers(attachments: readonly PlacedAttachment[], nets: readonly NetworkWish[]): void {
  for (const { name, place } of nets) {
    const members = attachments.filter(({ attachment }) => attachment.network.name === name);
    reportRepeated(members, 'mac', ({ attachment }) => attachment.mac || undefined);
    reportRepeated(members, 'ip', ({ attachment }) => attachment.ip);
    const network = members[0]?.attachment.network;
    checkNames(members.filter(isNamed).flatMap(namesOf), name);
    if (network) checkRoom(network, members, place);
  }
  reportRepeated(attachments, 'interface', tapDevice);
  reportSecondTsi(attachments);
}

const WHAT = { mac: 'MAC address', ip: 'address', interface: 'tap device' } as const;

function reportRepeated(
  members: readonly PlacedAttachment[],
  key: keyof typeof WHAT,
  valueOf: (member: PlacedAttachment) => string | undefined,
): void {
  const seen = new Map<string, PlacedAttachment>();
  for (const member of members) {
    const value = valueOf(member);
    if (value === undefined) continue;
    const first = seen.get(value);
    if (!first) {
      seen.set(value, member);
      continue;
    }
    member.place
      .child(key)
      .error('conflict', `\`${first.wish.machine}\` has the ${WHAT[key]} ${value} as well`, {
        related: [{ message: 'it is given here', span: first.place.child(key).valueSpan }],
        hint:
          key === 'interface'
            ? 'a tap device serves one machine: give each its own under `networks` of the machine'
            : `give \`${member.wish.machine}\` another one`,
      });
  }
}

/** The device that libkrun opens for a machine: its own, or the network's. */
function tapDevice({ attachment: { network, interface: own } }: PlacedAttachment): string | undefined {
  return network.driver === 'tap' ? (own ?? network.interface) : undefined;
}

function isNamed({ attachment: { network, ip } }: PlacedAttachment): boolean {
  return hasNames(network, ip);
}

function namesOf({ wish, attachment, place }: PlacedAttachment): readonly PlacedName[] {
  const { machine, hostname, at } = wish;
  const options = wish.attachments.find(({ network }) => network === attachment.network.name)?.options;
  const written = options?.aliases ?? [];
  return [
    { name: machine, machine, kind: 'machine', place: at },
    { name: bareName(hostname), machine, kind: 'hostname', place: at.child('hostname') },
    ...attachment.aliases.map((name) => ({
      name,
      machine,
      kind: 'alias' as const,
      place: place.child(
        'aliases',
        written.findIndex((text) => bareName(text) === name),
      ),
    })),
  ];
}

function checkRoom(network: Network, members: readonly PlacedAttachment[], at: Place): void {
  const text = 'subnet' in network ? network.subnet : undefined;
  const subnet = text === undefined ? undefined : parseSubnet(text);
  if (!subnet) return;
  const room = lastMember(subnet) - firstMember(subnet) + 1;
  if (members.length <= room) return;
  at.child('subnet').keyError(
    'limit',
    `network \`${network.name}\` has ${members.length} machines; ${formatSubnet(subnet)} has room for ${room}`,
    { hint: 'write a larger `subnet` in the network, such as 10.0.0.0/16' },
  );
}

function reportSecondTsi(attachments: readonly PlacedAttachment[]): void {
  const seen = new Map<string, PlacedAttachment>();
  for (const member of attachments) {
    if (member.attachment.network.driver !== 'tsi') continue;
    const first = seen.get(member.wish.machine);
    if (!first) seen.set(member.wish.machine, member);
    else {
      member.place.keyError('conflict', 'a machine has TSI once: it is no interface of its own', {
        related: [{ message: 'the first network with TSI is here', span: first.place.keySpan }],
        hint: 'remove one of the networks',
      });
    }
  }
}

/** Reports networks of one machine whose addresses are not apart: the guest could not tell where to send. */
export function checkSubnets(
  subnets: ReadonlyMap<string, Subnet>,
  areNeighbours: (one: string, other: string) => boolean,
  {
    chosen,
    at,
  }: {
    readonly chosen: ReadonlyMap<string, { readonly wish: NetworkWish; readonly choice: DriverChoice }>;
    readonly at: Place;
  },
): void {
  const used = [...subnets].filter(([name]) => chosen.has(name));
  for (const [index, [name, subnet]] of used.entries()) {
    for (const [other, earlier] of used.slice(0, index)) {
      if (!areNeighbours(name, other) || !overlaps(subnet, earlier)) continue;
      const machine = sharedMachine(chosen.get(name)?.wish, chosen.get(other)?.wish);
      if (machine === undefined) continue;
      at.child(name, 'subnet').error(
        'conflict',
        `\`${machine}\` is on \`${other}\` and \`${name}\`, and ${formatSubnet(earlier)} overlaps ${formatSubnet(subnet)}`,
        {
          related: [{ message: `\`${other}\` is here`, span: at.child(other, 'subnet').valueSpan }],
          hint: `give \`${name}\` another subnet`,
        },
      );
    }
  }
}

function sharedMachine(one: NetworkWish | undefined, other: NetworkWish | undefined): string | undefined {
  const names = new Set(other?.members.map(({ wish }) => wish.machine));
  return one?.members.map(({ wish }) => wish.machine).find((name) => names.has(name));
}

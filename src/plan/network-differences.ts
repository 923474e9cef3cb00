import type { Attachment, Machine, Network } from '../project/project.ts';
import { type Change, sortedUnion } from './change.ts';

/** What differs between the networks of two definitions of a machine. */
export function compareNetworks(before: Machine, after: Machine): Change[] {
  const from = byName(before);
  const to = byName(after);
  const changes = sortedUnion(Object.fromEntries(from), Object.fromEntries(to)).flatMap((name) =>
    compareAttachments(from.get(name), to.get(name), { machine: after.name, name }),
  );
  const isReordered = [...from.keys()].join(' ') !== [...to.keys()].join(' ');
  // The order of the networks is what the guest calls eth0, eth1 and so on.
  return changes.length > 0 || !isReordered
    ? changes
    : [{ key: 'networks', text: 'order of networks changed' }];
}

function byName({ networks }: Machine): Map<string, Attachment> {
  return new Map(networks.map((attachment) => [attachment.network.name, attachment]));
}

interface Where {
  readonly machine: string;
  readonly name: string;
}

function compareAttachments(
  before: Attachment | undefined,
  after: Attachment | undefined,
  where: Where,
): readonly Change[] {
  const whole = { key: `networks/${where.name}`, places: attachmentPlaces(where) };
  if (!before) return after ? [{ ...whole, text: `network ${where.name} added` }] : [];
  if (!after) return [{ ...whole, text: `network ${where.name} removed` }];
  const [from, to] = [networkWords(before.network), networkWords(after.network)];
  // Everything else of another driver is another thing.
  const keys = from['driver'] === to['driver'] ? sortedUnion(from, to) : ['driver'];
  return [
    ...keys.flatMap((key) => change(where, [key, from[key], to[key]], networkPlaces(where, key))),
    ...compareOwn(before, after, where),
    ...compareAliases(before, after, where),
  ];
}

/** What the machine itself has on the network. */
function compareOwn(before: Attachment, after: Attachment, where: Where): readonly Change[] {
  const rows = [
    ['ip', before.ip ?? "krun's choice", after.ip ?? "krun's choice"],
    ['mac', before.mac || undefined, after.mac || undefined],
    ['interface', before.interface, after.interface],
  ] as const;
  // Another driver has another kind of interface, or none.
  if (before.network.driver !== after.network.driver) return [];
  return rows.flatMap((row) => change(where, row, attachmentPlaces(where, row[0])));
}

/** The switch answers for them: a running guest notices nothing. */
function compareAliases(before: Attachment, after: Attachment, where: Where): readonly Change[] {
  const added = after.aliases.filter((alias) => !before.aliases.includes(alias));
  const removed = before.aliases.filter((alias) => !after.aliases.includes(alias));
  const told = [...added.map((alias) => `${alias} added`), ...removed.map((alias) => `${alias} removed`)];
  return told.map((text) => ({
    key: 'networks',
    text: `network ${where.name}: alias ${text}`,
    places: attachmentPlaces(where, 'aliases'),
    isLive: true,
  }));
}

function change(
  { name }: Where,
  [key, before, after]: readonly [key: string, before: string | undefined, after: string | undefined],
  places: readonly string[],
): readonly Change[] {
  if (before === after) return [];
  const text = `network ${name}: ${key} changed ${before ?? 'none'} -> ${after ?? 'none'}`;
  return [{ key: 'networks', text, places }];
}

function attachmentPlaces({ machine, name }: Where, key?: string): readonly string[] {
  const parent = `machines.${machine}.networks`;
  return [...(key === undefined ? [] : [`${parent}.${name}.${key}`]), `${parent}.${name}`, parent];
}

function networkPlaces({ name }: Where, key: string): readonly string[] {
  return [`networks.${name}.${key}`, `networks.${name}`];
}

/** Every value of a network under its key in the file. */
function networkWords(network: Network): Readonly<Record<string, string | undefined>> {
  if (network.driver === 'tsi') return { driver: 'tsi', hijack: network.hijack.join(', ') };
  const addresses = 'addresses' in network ? network.addresses : undefined;
  return {
    driver: network.driver,
    mtu: String(network.mtu),
    offloading: onOff(network.offloading),
    dns: network.dns.join(', ') || undefined,
    dns_search: network.dnsSearch.join(', ') || undefined,
    subnet: 'subnet' in network ? network.subnet : undefined,
    gateway: 'gateway' in network ? network.gateway : undefined,
    host_access: 'hostAccess' in network ? onOff(network.hostAccess) : undefined,
    mode: 'mode' in network ? network.mode : undefined,
    interface: 'interface' in network ? network.interface : undefined,
    isolation: 'isolation' in network ? onOff(network.isolation) : undefined,
    start_address: addresses?.start,
    end_address: addresses?.end,
    subnet_mask: addresses?.mask,
    socket: 'socket' in network ? network.socket : undefined,
    vfkit_magic: 'vfkitMagic' in network ? onOff(network.vfkitMagic) : undefined,
  };
}

function onOff(value: boolean): string {
  return value ? 'on' : 'off';
}

import type { Place } from './place.ts';
import type { Network } from './project.ts';

/** Domain of the names on krun's networks. */
export const NETWORK_DOMAIN = 'krun.internal';

/** Names that lead to something else than a machine. */
const RESERVED: Readonly<Record<string, string>> = {
  host: 'the host',
  gateway: 'the gateway',
  localhost: 'the guest itself',
};

/** Further names of a machine on a network, lower-case and without the domain that all have, sorted. */
export function resolveAliases(
  texts: readonly string[],
  { network, ip, at }: { readonly network: Network; readonly ip: string | undefined; readonly at: Place },
): readonly string[] {
  if (texts.length > 0 && !hasNames(network, ip)) {
    const others = network.driver === 'passt' ? '' : ', or give the machine an `ip`';
    at.keyError('conflict', `nobody answers for names on a network with the driver \`${network.driver}\``, {
      hint: `remove \`aliases\`, or use the driver \`gvproxy\`${others}`,
    });
  }
  const aliases = texts.flatMap((text, index) => alias(text, at.child(index)) ?? []);
  return [...new Set(aliases)].toSorted();
}

/**
 * Whether other machines find a machine by name: gvproxy's switch answers; elsewhere guests are told the addresses that
 * the file gives, where they see each other at all.
 */
export function hasNames({ driver }: Network, ip: string | undefined): boolean {
  if (driver === 'gvproxy') return true;
  return driver !== 'passt' && driver !== 'tsi' && ip !== undefined;
}

function alias(text: string, at: Place): string | undefined {
  const name = bareName(text);
  const isHostName =
    name.length <= 253 &&
    name.split('.').every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label));
  if (!isHostName) {
    at.error('invalid-value', `"${text}" is not a host name`, {
      hint: 'use letters, digits and hyphens, with a letter or a digit at both ends',
    });
    return undefined;
  }
  return reportReserved(name, at, 'alias') ? undefined : name;
}

/** Whether a name leads to something else than a machine; if so, it is reported. */
function reportReserved(name: string, at: Place, what: string): boolean {
  const owner = Object.hasOwn(RESERVED, name) ? RESERVED[name] : undefined;
  if (owner === undefined) return false;
  at.error('conflict', `the name \`${name}\` leads to ${owner}`, { hint: `choose another ${what}` });
  return true;
}

/** A name as the network's switch compares it. */
export function bareName(text: string): string {
  const name = text.toLowerCase();
  return name.endsWith(`.${NETWORK_DOMAIN}`) ? name.slice(0, -NETWORK_DOMAIN.length - 1) : name;
}

/** A name of a machine on a network, and where it is from. */
export interface PlacedName {
  readonly name: string;
  readonly machine: string;
  readonly kind: 'machine' | 'hostname' | 'alias';
  readonly place: Place;
}

const WEIGHT = { machine: 0, hostname: 1, alias: 2 } as const;

/** Reports names on one network that would lead to two machines. */
export function checkNames(names: readonly PlacedName[], network: string): void {
  const seen = new Map<string, PlacedName>();
  for (const { kind, name, place } of names) {
    if (kind === 'hostname') reportReserved(name, place, 'host name');
  }
  for (const name of names.toSorted((a, b) => WEIGHT[a.kind] - WEIGHT[b.kind])) {
    const first = seen.get(name.name);
    if (!first) seen.set(name.name, name);
    else if (first.machine !== name.machine) reportClash(first, name, network);
  }
}

function reportClash(first: PlacedName, second: PlacedName, network: string): void {
  const what = second.kind === 'alias' ? 'alias' : 'host name';
  second.place.error(
    'conflict',
    `\`${first.machine}\` has the name \`${second.name}\` on network \`${network}\` as well`,
    {
      related: [{ message: 'it is given here', span: placeSpan(first) }],
      hint: `give \`${second.machine}\` another ${what}`,
    },
  );
}

function placeSpan({ kind, place }: PlacedName): Place['keySpan'] {
  return kind === 'machine' ? place.keySpan : place.valueSpan;
}

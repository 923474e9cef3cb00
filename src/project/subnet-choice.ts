import { overlaps, parseIpv4, type Subnet } from '../base/ipv4.ts';

/** A network whose addresses krun chooses, or that the file gives some. */
export interface SubnetWish {
  readonly name: string;
  readonly written?: Subnet | undefined;
  /** Whether it needs a subnet where none is written. */
  readonly isChosen: boolean;
}

const FIRST = 127;
const COUNT = 256;
const BASE = parseIpv4('192.168.0.0') ?? 0;

/**
 * Gives each network its subnet: the written one, else 192.168.127.0/24 or the next /24 that no network of the same
 * machine has. Only neighbours count, because networks that share no machine never meet.
 */
export function chooseSubnets(
  wishes: readonly SubnetWish[],
  areNeighbours: (one: string, other: string) => boolean,
): ReadonlyMap<string, Subnet> {
  const chosen = new Map<string, Subnet>();
  for (const { name, written } of wishes) if (written) chosen.set(name, written);
  for (const { name, written, isChosen } of wishes) {
    if (written || !isChosen) continue;
    const taken = [...chosen].filter(([other]) => areNeighbours(name, other)).map(([, subnet]) => subnet);
    const subnet = firstFree(taken);
    if (subnet) chosen.set(name, subnet);
  }
  return chosen;
}

function firstFree(taken: readonly Subnet[]): Subnet | undefined {
  for (let step = 0; step < COUNT; step++) {
    const subnet = { base: BASE + ((FIRST + step) % COUNT) * 256, prefix: 24 };
    if (!taken.some((other) => overlaps(subnet, other))) return subnet;
  }
  return undefined;
}

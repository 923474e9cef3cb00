import { access, readFile } from 'node:fs/promises';
import { unlessMissing } from '../../host/errno.ts';
import type { Check } from './check.ts';
import type { NetworkNeeds } from './network-needs.ts';
import { tryOpen } from './try-open.ts';

/** Bit of CAP_NET_ADMIN in the capability sets of /proc. */
const CAP_NET_ADMIN = 12n;

/** Whether networks with tap devices are possible: /dev/net/tun, and the devices that krun.yaml names. */
export async function checkTun(uid: number, needs: NetworkNeeds): Promise<Check> {
  const taps = await Promise.all(needs.taps.map((name) => lookAtTap(name)));
  const status = (await unlessMissing(readFile('/proc/self/status', 'utf8'))) ?? '';
  return tunCheck({
    openError: await tryOpen('/dev/net/tun'),
    isNeeded: needs.networks.some(({ driver }) => driver === 'tap'),
    mayCreate: hasNetAdmin(status),
    uid,
    taps,
  });
}

/** A tap device that the project names. */
export interface TapDevice {
  readonly name: string;
  readonly exists: boolean;
  /** User who may open it without rights of his own; -1 where nobody was named. */
  readonly owner?: number;
}

export interface TunFacts {
  /** Error code of opening /dev/net/tun; undefined when it opened. */
  readonly openError: string | undefined;
  readonly isNeeded: boolean;
  /** The process has CAP_NET_ADMIN. */
  readonly mayCreate: boolean;
  readonly uid: number;
  readonly taps: readonly TapDevice[];
}

export function tunCheck(facts: TunFacts): Check {
  const { openError, isNeeded, mayCreate, uid, taps } = facts;
  const status = isNeeded ? 'failed' : 'missing';
  const forWhat = isNeeded
    ? 'the project has networks with driver: tap'
    : 'needed for networks with driver: tap';
  if (openError !== undefined) {
    const isForbidden = openError === 'EACCES' || openError === 'EPERM';
    const detail = isForbidden
      ? `no permission to open /dev/net/tun; ${forWhat}`
      : openError === 'ENOENT' || openError === 'ENODEV'
        ? `/dev/net/tun is missing; ${forWhat}`
        : `/dev/net/tun cannot be opened: ${openError}; ${forWhat}`;
    const hint = isForbidden
      ? 'In a container, allow the device: --device /dev/net/tun; otherwise: sudo chmod 0666 /dev/net/tun'
      : 'Load the module: sudo modprobe tun; in a container, pass --device /dev/net/tun';
    return { id: 'tun', status, detail, hint };
  }
  for (const tap of taps) {
    const problem = mayCreate ? undefined : tapProblem(tap, uid);
    if (problem !== undefined) return { id: 'tun', status, ...problem };
  }
  const rights = mayCreate ? 'krun may make tap devices' : 'tap devices of your user can be opened';
  return { id: 'tun', status: 'ok', detail: `/dev/net/tun is usable; ${rights}` };
}

function tapProblem(
  { name, exists, owner }: TapDevice,
  uid: number,
): { readonly detail: string; readonly hint: string } | undefined {
  const make = `sudo ip tuntap add dev ${name} mode tap user ${uid} && sudo ip link set ${name} up`;
  if (!exists) return { detail: `the tap device ${name} does not exist`, hint: `Make it: ${make}` };
  if (owner === undefined) {
    const hint = `Name a tap device in krun.yaml, or make one: ${make.replaceAll(name, 'tap0')}`;
    return { detail: `the interface ${name} is no tap device`, hint };
  }
  if (owner === uid) return undefined;
  const whose = owner === -1 ? 'only for root' : `for the user with the number ${owner}`;
  return {
    detail: `the tap device ${name} is ${whose}`,
    hint: `Make it again for your user: sudo ip link delete ${name}; ${make}`,
  };
}

async function lookAtTap(name: string): Promise<TapDevice> {
  const directory = `/sys/class/net/${name}`;
  const exists = (await unlessMissing(access(directory).then(() => true))) ?? false;
  // Only tun and tap devices have an owner.
  const owner = await unlessMissing(readFile(`${directory}/owner`, 'utf8'));
  return { name, exists, ...(owner !== undefined && { owner: Number(owner) }) };
}

/** Reads `CapEff` of /proc/self/status. */
export function hasNetAdmin(status: string): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  return effective !== undefined && ((BigInt(`0x${effective}`) >> CAP_NET_ADMIN) & 1n) === 1n;
}

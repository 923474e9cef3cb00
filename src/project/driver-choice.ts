import { quotedList } from '../base/text.ts';
import type { HostFacts } from './host-facts.ts';
import { HELPERS } from './helpers.ts';
import type { NetworkWish } from './network-wishes.ts';
import type { Place } from './place.ts';
import type { HelperName, HelperPaths, NetworkDriver } from './project.ts';

/** Which driver a network has, and why, where krun chose it. */
export interface DriverChoice {
  readonly driver: NetworkDriver;
  readonly why?: string;
}

/** What choosing depends on beside the network itself. */
export interface ChoiceScope {
  readonly host: HostFacts;
  readonly configured: HelperPaths;
  /** No other machine of the project is on a network, and this one is on no other. */
  readonly isOnlyNetwork: boolean;
}

/** The driver of a network. Undefined where it has none: the file says so, or nothing is installed and nobody asks. */
export function chooseDriver(
  network: NetworkWish,
  scope: ChoiceScope,
  needs: HelperNeeds,
): DriverChoice | undefined {
  const { driver = 'auto' } = network.config;
  if (driver === 'none') return undefined;
  if (driver === 'auto') return automatic(network, scope, needs);
  const place = network.place.child('driver');
  if (checkSystem(driver, scope.host.platform, place)) needHelper(driver, network.name, place, needs);
  return { driver };
}

function automatic(
  network: NetworkWish,
  { host, configured, isOnlyNetwork }: ChoiceScope,
  needs: HelperNeeds,
): DriverChoice | undefined {
  const finding = configured.gvproxy === undefined ? host.helpers.gvproxy : ({ kind: 'found' } as const);
  if (finding.kind === 'found') {
    const why = configured.gvproxy === undefined ? 'it is installed' : 'the file names the program';
    return { driver: 'gvproxy', why: `auto: ${why}` };
  }
  const place = askingPlace(network);
  const hasPasst =
    host.platform === 'linux' && (configured.passt !== undefined || host.helpers.passt.kind === 'found');
  const limit = passtLimit(network);
  if (finding.kind === 'missing') {
    if (hasPasst && limit === undefined) {
      return { driver: 'passt', why: 'auto: gvproxy is not installed, and one machine needs no switch' };
    }
    if (isOnlyNetwork && fitsTsi(network)) {
      const missing = host.platform === 'linux' ? 'neither gvproxy nor passt is' : 'gvproxy is not';
      return { driver: 'tsi', why: `auto: ${missing} installed, and no other machine has a network` };
    }
    if (!place) {
      needs.addUnconnected(network);
      return undefined;
    }
  }
  needs.add('gvproxy', network.name, place ?? network.place, hasPasst ? limit : undefined);
  return { driver: 'gvproxy' };
}

/** Where the file asks for the network; nowhere, where machines are on it only because they name no other. */
function askingPlace({ isWritten, place, members }: NetworkWish): Place | undefined {
  if (isWritten) return place;
  for (const { wish, attachment } of members) {
    if (wish.ports.length > 0) return wish.at.child('ports');
    if (!attachment.isImplied) return attachment.place;
  }
  return undefined;
}

/** What passt cannot do of what a network is for, after `passt`. */
function passtLimit({ members }: NetworkWish): string | undefined {
  if (members.length > 1) return 'joins no machines';
  if (members.some(({ attachment }) => (attachment.options.aliases ?? []).length > 0))
    return 'answers for no names';
  const sockets = members.some(({ wish }) => wish.ports.some(({ port }) => 'socket' in port));
  return sockets ? 'cannot listen on unix sockets' : undefined;
}

/** Under TSI there is no interface that could have options, and the guest chooses where it listens. */
function fitsTsi({ config, members }: NetworkWish): boolean {
  return (
    !hasOptions(config) &&
    members.every(
      ({ wish, attachment }) =>
        !hasOptions(attachment.options) &&
        wish.ports.every(
          ({ port }) => !('socket' in port) && port.hostIp === undefined && port.protocol === 'tcp',
        ),
    )
  );
}

function hasOptions(config: object): boolean {
  return Object.keys(config).some((key) => key !== 'driver' && !key.startsWith('x-'));
}

const SYSTEMS: Readonly<Partial<Record<NetworkDriver, 'linux' | 'darwin'>>> = {
  passt: 'linux',
  tap: 'linux',
  vmnet: 'darwin',
  socket_vmnet: 'darwin',
};
const SYSTEM_NAMES = { linux: 'Linux', darwin: 'macOS' } as const;

/** Whether the host can have the driver; reports it otherwise. */
function checkSystem(driver: NetworkDriver, platform: string, place: Place): boolean {
  const system = SYSTEMS[driver];
  if (system !== undefined && system !== platform) {
    place.error('capability', `the driver \`${driver}\` works on ${SYSTEM_NAMES[system]} only`, {
      hint: 'leave `driver` out, or write `gvproxy`, which works on Linux and macOS',
    });
    return false;
  }
  if (driver === 'unixgram' && platform !== 'darwin') {
    place.warning(
      'capability',
      'on Linux a datagram socket holds few frames, and libkrun stops sending when it was full once',
      { hint: 'use `unixstream`, if the backend can' },
    );
  }
  return true;
}

const HELPER_OF: Readonly<Partial<Record<NetworkDriver, HelperName>>> = {
  gvproxy: 'gvproxy',
  passt: 'passt',
  vmnet: 'vmnet-helper',
};

function needHelper(driver: NetworkDriver, network: string, place: Place, needs: HelperNeeds): void {
  const helper = HELPER_OF[driver];
  if (helper !== undefined) needs.add(helper, network, place);
}

/** Collects which helpers networks need, so that a missing one is told once. */
export class HelperNeeds {
  readonly #host: HostFacts;
  readonly #configured: HelperPaths;
  readonly #users = new Map<
    HelperName,
    { readonly place: Place; readonly networks: string[]; readonly passtLimit?: string | undefined }
  >();
  readonly #unconnected: NetworkWish[] = [];

  constructor(host: HostFacts, configured: HelperPaths) {
    this.#host = host;
    this.#configured = configured;
  }

  /** A network needs a helper; `place` is where it says so. `passtLimit` is why passt, which is there, does not do. */
  add(helper: HelperName, network: string, place: Place, passtLimit?: string): void {
    // Whether a program that the file names is there, the check of paths tells.
    if (this.#configured[helper] !== undefined || this.#host.helpers[helper].kind === 'found') return;
    const users = this.#users.get(helper) ?? { place, networks: [], passtLimit };
    users.networks.push(network);
    this.#users.set(helper, users);
  }

  /** Machines that would be on the network if there were something to carry it, and do not depend on it. */
  addUnconnected(network: NetworkWish): void {
    this.#unconnected.push(network);
  }

  report(): void {
    for (const [helper, { place, networks, passtLimit }] of this.#users) {
      const finding = this.#host.helpers[helper];
      if (finding.kind === 'found') continue;
      const users = `network${networks.length === 1 ? '' : 's'} ${quotedList(networks, 'and')}`;
      place.error(
        'capability',
        `${finding.message}: ${users} need${networks.length === 1 ? 's' : ''} it${passtLimit === undefined ? '' : `, as passt ${passtLimit}`}`,
        {
          span: place.name === 'driver' ? place.valueSpan : place.keySpan,
          hint: finding.hint,
        },
      );
    }
    for (const { members } of this.#unconnected) this.#warnOfNone(members);
  }

  #warnOfNone(members: NetworkWish['members']): void {
    const finding = this.#host.helpers.gvproxy;
    const [first, ...others] = members;
    if (!first || finding.kind === 'found') return;
    const more =
      others.length === 0 ? '' : ` and ${others.length} other machine${others.length > 1 ? 's' : ''}`;
    const have = others.length === 0 ? 'has' : 'have';
    first.wish.at.warning(
      'capability',
      `\`${first.wish.machine}\`${more} ${have} no network: ${finding.message}, which krun needs for ${HELPERS.gvproxy.purpose}`,
      { span: first.wish.at.keySpan, hint: `${finding.hint}; \`networks: []\` says that none is needed` },
    );
  }
}

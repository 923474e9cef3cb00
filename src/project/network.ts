import { own } from '../base/record.ts';
import { nearest } from '../base/text.ts';
import type { Attachments, KrunFile, MachineConfig } from '../config/schema.gen.ts';
import type { Place } from './place.ts';
import { type PlacedPort, resolvePorts } from './ports.ts';
import type { Attachment, Port } from './project.ts';

/** A machine's network with the positions that later checks need. */
export interface ResolvedNetwork {
  readonly networks: readonly Attachment[];
  readonly ports: readonly Port[];
  readonly placedPorts: readonly PlacedPort[];
  /** Where the file says, or implies, that sockets of the guest become sockets of the host. */
  readonly place: Place;
}

/**
 * How a machine reaches the world. Under TSI the guest's listeners are the host's, so a machine gets it only when the
 * file asks for it: by publishing ports, or by a network with that driver.
 */
export function resolveNetwork(config: MachineConfig, file: KrunFile, at: Place): ResolvedNetwork {
  const placedPorts = resolvePorts(config.ports ?? [], at.child('ports'));
  const drivers = driversOf(config.networks, file, at.child('networks'));
  const isClosed = drivers.every((driver) => driver === 'none');
  const wantsPorts = (config.ports ?? []).length > 0;
  if (wantsPorts && isClosed) {
    at.child('ports').keyError('conflict', 'a machine without network cannot publish ports', {
      related: [{ message: 'the network is turned off here', span: at.child('networks').keySpan }],
      hint: 'remove `ports`, or put the machine into a network',
    });
  }
  const tsi = drivers.includes('tsi') || (wantsPorts && !isClosed);
  const place = at.child(wantsPorts ? 'ports' : 'networks');
  if (!tsi) return { networks: [], ports: [], placedPorts, place };
  const ports = placedPorts.map(({ port }) => port).toSorted((a, b) => a.host - b.host);
  const network = { driver: 'tsi', name: 'default', hijack: ['inet'] } as const;
  return { networks: [{ network, mac: '', aliases: [] }], ports, placedPorts, place };
}

/** Drivers of the machine's networks; `default` exists without being written. */
function driversOf(value: Attachments | undefined, file: KrunFile, at: Place): readonly string[] {
  const isList = Array.isArray(value);
  const names = value === undefined ? ['default'] : isList ? value : Object.keys(value);
  const networks = file.networks ?? {};
  return names.map((name, index) => {
    if (Object.hasOwn(networks, name)) return own(networks, name)?.driver ?? 'auto';
    if (name !== 'default') reportUnknown(name, networks, isList ? at.child(index) : at.child(name));
    return 'auto';
  });
}

function reportUnknown(name: string, networks: object, place: Place): void {
  const near = nearest(name, ['default', ...Object.keys(networks)]);
  place.error('unknown-reference', `there is no network \`${name}\``, {
    span: place.keySpan,
    hint: near === undefined ? `add \`${name}\` to \`networks\`` : `did you mean \`${near}\`?`,
  });
}

/** Warns of what TSI opens: krun otherwise promises that nothing listens beyond loopback unless the file says so. */
export function warnOfExposure(exposed: readonly { name: string; place: Place }[]): void {
  for (const { name, place } of exposed) {
    place.warning(
      'network-exposure',
      `every port on which the guest of \`${name}\` listens is open on the host, at the address that the guest binds`,
      {
        span: place.keySpan,
        hint: 'let programs in the guest bind 127.0.0.1, unless others shall reach them',
      },
    );
  }
  const [first, ...others] = exposed;
  if (!first || others.length === 0) return;
  first.place.warning(
    'network-exposure',
    `${exposed.length} machines share the ports of the host: two that listen on one port get each other's connections`,
    {
      span: first.place.keySpan,
      related: others.map(({ name, place }) => ({ message: `\`${name}\` is another`, span: place.keySpan })),
      hint: 'let each of them listen on ports of its own',
    },
  );
}

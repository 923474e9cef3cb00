import { own } from '../base/record.ts';
import { nearest } from '../base/text.ts';
import type {
  AttachmentConfigLong,
  KrunFile,
  MachineConfig,
  NetworkConfigLong,
} from '../config/schema.gen.ts';
import type { Place } from './place.ts';
import type { PortWish } from './ports.ts';

/** That a machine shall be on a network, as the file says it. */
export interface AttachmentWish {
  readonly network: string;
  readonly options: AttachmentConfigLong;
  readonly place: Place;
  /** The machine names no network, and so is on `default`. */
  readonly isImplied: boolean;
}

/** What a machine wants of networks. */
export interface MachineWish {
  readonly machine: string;
  readonly hostname: string;
  readonly at: Place;
  readonly attachments: readonly AttachmentWish[];
  /** It names a network that there is not: what follows from that is no mistake of its own. */
  readonly hasUnknownNetwork: boolean;
  readonly ports: readonly PortWish[];
}

/** A network with the enabled machines that want to be on it. */
export interface NetworkWish {
  readonly name: string;
  readonly config: NetworkConfigLong;
  /** The network's entry in the file; of an unwritten one, what implies it. */
  readonly place: Place;
  readonly isWritten: boolean;
  readonly members: readonly { readonly wish: MachineWish; readonly attachment: AttachmentWish }[];
}

/** Exists without being written. */
export const DEFAULT_NETWORK = 'default';

/** Names of all networks in the order of the file; the unwritten `default` comes first. */
export function networkNames(file: KrunFile): readonly string[] {
  const names = Object.keys(file.networks ?? {});
  return names.includes(DEFAULT_NETWORK) ? names : [DEFAULT_NETWORK, ...names];
}

/** The options of a network; none where the file does not write it. */
export function networkOf(file: KrunFile, name: string): NetworkConfigLong {
  return own(file.networks ?? {}, name) ?? {};
}

/** Names that a machine gives under `networks`, known or not. */
export function namedNetworks({ networks }: MachineConfig): readonly string[] {
  if (networks === undefined) return [DEFAULT_NETWORK];
  return Array.isArray(networks) ? networks : Object.keys(networks);
}

/** The networks that a machine wants to be on; unknown ones and repetitions are reported. */
export function attachmentWishes(
  config: MachineConfig,
  file: KrunFile,
  at: Place,
): readonly AttachmentWish[] {
  const { networks } = config;
  const isList = Array.isArray(networks);
  const known = networkNames(file);
  const seen = new Map<string, Place>();
  return namedNetworks(config).flatMap((network, index) => {
    const isImplied = networks === undefined;
    const place = isImplied ? at : at.child(isList ? index : network);
    if (!known.includes(network)) {
      reportUnknown(network, known, place);
      return [];
    }
    const first = seen.get(network);
    if (first) {
      place.error('conflict', `network \`${network}\` is named twice`, {
        related: [{ message: 'the first time is here', span: first.valueSpan }],
        hint: 'remove one of them',
      });
      return [];
    }
    seen.set(network, place);
    if (isList) place.isOriginOf(at.path, network);
    const options = networks === undefined || isList ? {} : (own(networks, network) ?? {});
    return [{ network, options, place, isImplied }];
  });
}

function reportUnknown(name: string, known: readonly string[], place: Place): void {
  const near = nearest(name, known);
  place.error('unknown-reference', `there is no network \`${name}\``, {
    span: place.keySpan,
    hint: near === undefined ? `add \`${name}\` to \`networks\`` : `did you mean \`${near}\`?`,
  });
}

/** The networks that somebody wants to be on, in the order of the file. */
export function networkWishes(
  wishes: readonly MachineWish[],
  file: KrunFile,
  at: Place,
): readonly NetworkWish[] {
  return networkNames(file).flatMap((name) => {
    const members = wishes.flatMap((wish) => {
      const attachment = wish.attachments.find(({ network }) => network === name);
      return attachment ? [{ wish, attachment }] : [];
    });
    const [first] = members;
    if (!first) return [];
    const isWritten = Object.hasOwn(file.networks ?? {}, name);
    const place = isWritten ? at.child(name) : first.attachment.place;
    return [{ name, config: networkOf(file, name), place, isWritten, members }];
  });
}

import { isMap, Scalar, type Node } from 'yaml';
import { type KeyConverter, noteOnce, noteService } from './compose-service.ts';
import {
  entriesOf,
  itemsOf,
  keyOf,
  listLike,
  mapLike,
  renamed,
  textOf,
  type Entry,
  withComments,
} from './yaml-nodes.ts';

const LOOPBACK =
  'published on 127.0.0.1 only, where compose takes all addresses: write `0.0.0.0:HOST:GUEST` to let others in';

/** Published ports: both forms are krun's, but for names and for what several host ports mean. */
export const convertPorts: KeyConverter = (original, service) => {
  let isOpen = false;
  const items = itemsOf(original.value).flatMap((item, index): (Node | null)[] => {
    const tell = (text: string): void => noteService(service, original, text, `[${index}]`);
    const port = isMap(item) ? longPort(item, tell) : shortPort(item, tell);
    if (port) isOpen ||= !port.hasAddress;
    return port ? [port.node] : [];
  });
  if (isOpen) noteOnce(service, original, LOOPBACK);
  return items.length === 0 ? [] : [renamed(original, 'ports', listLike(original.value, items))];
};

interface ConvertedPort {
  readonly node: Node | null;
  readonly hasAddress: boolean;
}

type Tell = (text: string) => void;

function shortPort(item: Node | null, tell: Tell): ConvertedPort | undefined {
  const text = textOf(item);
  if (text === undefined) return undefined;
  // What stands for another text is taken apart when krun reads it.
  if (text.includes('$')) return { node: item, hasAddress: false };
  const [, address, host, guest = '', protocol] =
    /^(?:(\[[^\]]*\]|\d+(?:\.\d+){3}):)?(?:([^:]*):)?([^:/]*)(?:\/(.*))?$/.exec(text) ?? [];
  if (refusesProtocol(protocol, tell)) return undefined;
  const hasAddress = address !== undefined;
  if (host === undefined || rangeLength(host) === rangeLength(guest)) return { node: item, hasAddress };
  tell(`compose takes one port of ${host}; krun takes any free one and keeps it`);
  const plain = `${hasAddress ? `${address}:` : ''}auto:${guest}${protocol === undefined ? '' : `/${protocol}`}`;
  return { node: withComments(item, new Scalar(plain)), hasAddress };
}

function longPort(item: Node, tell: Tell): ConvertedPort | undefined {
  const parts = entriesOf(item);
  const text = (key: string): string | undefined => textOf(parts.find((one) => keyOf(one) === key)?.value);
  if (refusesProtocol(text('protocol'), tell)) return undefined;
  const published = text('published');
  const isOneOf = published !== undefined && rangeLength(published) !== rangeLength(text('target') ?? '');
  if (isOneOf) tell(`compose takes one port of ${published}; krun takes any free one and keeps it`);
  const items = parts.flatMap((part): Entry[] => {
    const key = keyOf(part);
    if (key === 'published' && isOneOf) return [];
    const name = LONG_KEYS[key];
    if (name !== undefined) return [renamed(part, name)];
    if (key !== 'mode') tell(`krun has no \`${key}\` of a port`);
    return [];
  });
  return { node: mapLike(item, items), hasAddress: text('host_ip') !== undefined };
}

const LONG_KEYS: Readonly<Record<string, string>> = {
  target: 'guest',
  published: 'host',
  host_ip: 'host_ip',
  protocol: 'protocol',
  name: 'name',
};

function refusesProtocol(protocol: string | undefined, tell: Tell): boolean {
  if (protocol === undefined || /^(tcp|udp)$/i.test(protocol) || protocol.includes('$')) return false;
  tell(`krun publishes tcp and udp, not ${protocol}`);
  return true;
}

function rangeLength(text: string): number {
  const [from = 0, to = from] = text.split('-').map(Number);
  return to - from;
}

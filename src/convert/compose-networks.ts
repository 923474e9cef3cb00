import { isMap, isSeq, Scalar, type Node } from 'yaml';
import {
  type ComposeFile,
  type KeyConverter,
  noteService,
  type Service,
  serviceValue,
} from './compose-service.ts';
import {
  entriesOf,
  entry,
  flowList,
  flowMap,
  isTrue,
  itemsOf,
  keyOf,
  listLike,
  mapLike,
  renamed,
  textOf,
  type Entry,
  valueOf,
  withComments,
} from './yaml-nodes.ts';

/** Networks of a service, with the MAC address that older files give to all of it. */
export const convertAttachments: KeyConverter = (original, service) => {
  const { networks } = service.file.names;
  if (isSeq(original.value)) {
    const names = itemsOf(original.value).map((item) =>
      withComments(item, new Scalar(networks.of(textOf(item) ?? ''))),
    );
    return [renamed(original, 'networks', listLike(original.value, names))];
  }
  const items = entriesOf(original.value).map((network) =>
    renamed(network, networks.of(keyOf(network)), attachment(network, original, service)),
  );
  return [renamed(original, 'networks', mapLike(original.value, items))];
};

function attachment(network: Entry, original: Entry, service: Service): Node | null {
  if (!isMap(network.value)) return network.value;
  const items = entriesOf(network.value).flatMap((part): Entry[] => {
    const key = keyOf(part);
    if (key === 'aliases' || key.startsWith('x-')) return [part];
    if (key === 'ipv4_address') return [renamed(part, 'ip')];
    if (key === 'mac_address') return [renamed(part, 'mac')];
    const about = `.${keyOf(network)}.${key}`;
    noteService(service, original, ATTACHMENT_REASONS[key] ?? 'krun has no such key', about);
    return [];
  });
  return items.length === 0 ? null : mapLike(network.value, items);
}

const ATTACHMENT_REASONS: Readonly<Record<string, string>> = {
  ipv6_address: 'machines have IPv4 addresses',
  link_local_ips: 'a machine has one address on a network',
  priority: 'the first network of the list is eth0',
  gw_priority: 'the first network of the list is the way out',
  interface_name: 'the networks of the list are eth0, eth1 and so on',
  driver_opts: 'options belong to the network itself',
};

/** `network_mode` is a property of networks. */
export const convertNetworkMode: KeyConverter = (original, service) => {
  const mode = textOf(original.value) ?? '';
  if (mode === 'none') return [renamed(original, 'networks', flowList([]))];
  if (mode === 'bridge' || mode === 'default') return [];
  const text =
    mode === 'host'
      ? 'a machine is not the host: publish its `ports`, and reach the host as host.krun.internal'
      : 'a machine has network interfaces of its own: use `networks`';
  noteService(service, original, text);
  return [];
};

/** `mac_address` of a service is that of its first interface. */
export const convertMacAddress: KeyConverter = (original, service) => {
  const mac = textOf(original.value);
  if (serviceValue(service, 'networks') === undefined && mac !== undefined) {
    return [renamed(original, 'networks', mapLike(null, [entry('default', flowMap({ mac }))]))];
  }
  noteService(service, original, 'write `mac` at one of the `networks` of the machine');
  return [];
};

/** Of links, only the order of starting is left: machines of a network know each other. */
export const convertLinks: KeyConverter = (original, service) => {
  const names: string[] = [];
  for (const item of itemsOf(original.value)) {
    const [name = '', alias] = (textOf(item) ?? '').split(':');
    names.push(service.file.names.machines.of(name));
    if (alias !== undefined && alias !== name) {
      const text = `write \`networks: { default: { aliases: [${alias}] } }\` in machine ${service.file.names.machines.of(name)}`;
      noteService(service, original, text);
    }
  }
  if (serviceValue(service, 'depends_on') !== undefined || names.length === 0) return [];
  return [renamed(original, 'depends_on', flowList(names))];
};

/** The networks of the file. */
export function convertNetworks(original: Entry, file: ComposeFile): readonly Entry[] {
  const items = entriesOf(original.value).map((network) =>
    renamed(network, file.names.networks.of(keyOf(network)), convertNetwork(network, file)),
  );
  return [renamed(original, 'networks', mapLike(original.value, items))];
}

function convertNetwork(network: Entry, file: ComposeFile): Node | null {
  if (!isMap(network.value)) return network.value;
  const tell = (part: Entry, text: string, more = ''): void =>
    file.note(`networks.${keyOf(network)}.${keyOf(part)}${more}`, part.key, text);
  const items = entriesOf(network.value).flatMap((part): readonly Entry[] => {
    const key = keyOf(part);
    if (key.startsWith('x-')) return [part];
    if (key === 'driver') return networkDriver(part, tell);
    if (key === 'driver_opts') return networkOptions(part, tell);
    if (key === 'ipam') return addressManagement(part, tell);
    if (key === 'external' && !isTrue(part.value)) return [];
    tell(part, NETWORK_REASONS[key] ?? 'krun has no such key of a network');
    return [];
  });
  return items.length === 0 ? null : mapLike(network.value, items);
}

type TellPart = (part: Entry, text: string, more?: string) => void;

const NETWORK_REASONS: Readonly<Record<string, string>> = {
  attachable: 'a network belongs to the machines of its project',
  enable_ipv4: 'machines have IPv4 addresses',
  enable_ipv6: 'machines have IPv4 addresses',
  external:
    'krun makes the network itself; one that somebody else runs has `driver: unixgram` or `unixstream`',
  internal: 'machines of the network reach the outside; without a network they reach nobody (`driver: none`)',
  labels: 'krun has no labels; what starts with `x-` is ignored',
  name: 'the name of the network is its key',
};

function networkDriver(part: Entry, tell: TellPart): readonly Entry[] {
  const driver = textOf(part.value) ?? '';
  if (driver === 'none') return [part];
  if (driver === 'host') return [renamed(part, 'driver', new Scalar('tsi'))];
  if (!['bridge', 'overlay', 'default', ''].includes(driver)) {
    tell(part, `krun has no driver ${driver}: it takes what this host has (\`driver: auto\`)`);
  }
  return [];
}

function networkOptions(part: Entry, tell: TellPart): readonly Entry[] {
  return entriesOf(part.value).flatMap((option): Entry[] => {
    if (keyOf(option) === 'com.docker.network.driver.mtu') return [renamed(option, 'mtu')];
    tell(part, 'krun has no such option of a network', `.${keyOf(option)}`);
    return [];
  });
}

function addressManagement(part: Entry, tell: TellPart): readonly Entry[] {
  const pools = itemsOf(valueOf(part.value, 'config'));
  const entries = pools.flatMap((pool, index): Entry[] => {
    const subnet = textOf(valueOf(pool, 'subnet'));
    for (const more of entriesOf(pool)) {
      if (keyOf(more) !== 'subnet')
        tell(part, 'krun chooses it in the subnet', `.config[${index}].${keyOf(more)}`);
    }
    if (subnet === undefined) return [];
    if (!subnet.includes(':')) return [entry('subnet', subnet)];
    tell(part, 'machines have IPv4 addresses', `.config[${index}].subnet`);
    return [];
  });
  if (entries.length > 1) tell(part, 'a network has one subnet: the first one is taken');
  return entries.slice(0, 1);
}

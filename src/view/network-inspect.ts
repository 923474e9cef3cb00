import type { LinkCounters } from '../network/api.ts';
import {
  type NetworkAnswer,
  networkStatus,
  networkStatusText,
  type SeenMember,
  type SeenNetwork,
  subnetOf,
} from './network.ts';
import { portTexts } from './ports.ts';
import { renderTable } from './table.ts';

/** All that is known of a network, as a plain value. */
export function networkDetails(network: SeenNetwork): object {
  const { name, definition, why, process, members } = network;
  const state = process?.kind === 'state' ? process.state : undefined;
  return {
    name,
    driver: definition.driver,
    ...(why !== undefined && { why }),
    ...networkStatus(network),
    subnet: subnetOf(definition) ?? null,
    gateway: gatewayOf(network) ?? null,
    ...(process && { run: state?.run ?? null, helper: state?.helper ?? null }),
    members: Object.fromEntries(members.map((member) => [member.machine, memberDetails(member)])),
    definition,
  };
}

function memberDetails(seen: SeenMember): object {
  const { machine: _, live, ...member } = seen;
  if (!live) return member;
  const { connected, sent, received } = live;
  return { ...member, connected, sent, received };
}

function gatewayOf({ definition, process }: SeenNetwork): string | undefined {
  if (process?.kind === 'state' && process.state.gateway !== undefined) return process.state.gateway;
  return 'gateway' in definition ? definition.gateway : undefined;
}

/** The same for people. */
export function networkText(network: SeenNetwork, width: number | undefined): string {
  const { name, definition } = network;
  const facts = factsOf(network).map(([title, text]) => `  ${title.padEnd(7)}  ${text}`);
  const head = [`${name}: ${definition.driver}, ${networkStatusText(network)}`, ...facts];
  if (network.members.length === 0) return head.join('\n');
  return [...head, '', memberTable(network, width)].join('\n');
}

function factsOf(network: SeenNetwork): readonly (readonly [string, string])[] {
  const { definition, why, process, members } = network;
  const { hint } = networkStatus(network);
  const subnet = subnetOf(definition);
  const gateway = gatewayOf(network);
  const addresses = [
    ...(subnet === undefined ? [] : [subnet]),
    ...(gateway === undefined ? [] : [`gateway ${gateway}`]),
    ...('mtu' in definition ? [`mtu ${definition.mtu}`] : []),
    ...('offloading' in definition && definition.offloading ? ['offloading'] : []),
  ];
  const helper = process?.kind === 'state' ? process.state.helper : undefined;
  const own = new Set(members.flatMap((member) => member.helper?.path ?? []));
  return [
    ...(hint === undefined ? [] : [['hint', hint] as const]),
    ...(why === undefined ? [] : [['why', why] as const]),
    ...(addresses.length === 0 ? [] : [['subnet', addresses.join(', ')] as const]),
    ...(helper === undefined ? [] : [['helper', helperText(helper)] as const]),
    ...[...own].map((program) => ['helper', `${program}, one for each machine`] as const),
  ];
}

interface Helper {
  readonly path: string;
  readonly version: string;
  readonly pid?: number;
  readonly restarts: number;
}

function helperText({ path, version, pid, restarts }: Helper): string {
  const again = restarts === 0 ? [] : [restarts === 1 ? '1 restart' : `${restarts} restarts`];
  return [`${path} ${version}`, ...(pid === undefined ? [] : [`pid ${pid}`]), ...again].join(', ');
}

function memberTable({ members, process }: SeenNetwork, width: number | undefined): string {
  const counts = members.some(({ live }) => live !== undefined);
  const named = members.some(({ names }) => names.length > 0);
  const published = members.some(({ ports }) => ports.length > 0);
  const columns = [
    { title: 'MACHINE' },
    { title: 'STATUS' },
    { title: 'IP' },
    { title: 'MAC' },
    ...(named ? [{ title: 'NAMES', shrinks: true }] : []),
    ...(counts ? [{ title: 'SENT' }, { title: 'RECEIVED' }, { title: 'DROPPED' }] : []),
    ...(published ? [{ title: 'PORTS', shrinks: true }] : []),
  ];
  const rows = members.map((member) => [
    member.machine,
    memberStatus(member, process?.kind),
    member.ip ?? '',
    member.mac ?? '',
    ...(named ? [member.names.join(', ')] : []),
    ...(counts ? counterTexts(member) : []),
    ...(published ? [portTexts(member.ports).join(', ')] : []),
  ]);
  const text = renderTable(columns, rows, width === undefined ? undefined : width - 2);
  return text.replaceAll(/^/gm, '  ');
}

function memberStatus({ active, live }: SeenMember, answer: NetworkAnswer['kind'] | undefined): string {
  if (live) return live.connected ? 'connected' : 'not connected';
  if (!active) return 'stopped';
  if (answer === undefined) return 'running';
  return answer === 'silent' ? 'unknown' : 'not connected';
}

function counterTexts({ live }: SeenMember): readonly string[] {
  if (!live) return ['', '', ''];
  return [trafficText(live.sent), trafficText(live.received), `${live.sent.dropped + live.received.dropped}`];
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** Bytes with about three digits: `1.2 MiB`. */
function trafficText({ bytes }: LinkCounters): string {
  const power = bytes < 1024 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  const amount = bytes / 1024 ** power;
  return `${power === 0 || amount >= 100 ? Math.round(amount) : amount.toFixed(1)} ${UNITS[power]}`;
}

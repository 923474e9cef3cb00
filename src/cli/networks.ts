import { readdir } from 'node:fs/promises';
import { unlessMissing } from '../host/errno.ts';
import type { MemberStatus } from '../network/api.ts';
import { NetworkClient } from '../network/client.ts';
import { isActive } from '../plan/machine-state.ts';
import { processNetworks } from '../plan/network-use.ts';
import { portCarrier } from '../project/port-carrier.ts';
import type { Attachment, Machine, Network } from '../project/project.ts';
import { type Layout, networkLayout } from '../store/layout.ts';
import { readNetworkRecord } from '../store/record-files.ts';
import type { MachineRecord } from '../store/records.ts';
import type { NetworkAnswer, SeenMember, SeenNetwork } from '../view/network.ts';
import { publishedPorts } from '../view/ports.ts';

/** A network process answers from its event loop; who only looks does not wait for one that hangs. */
const ANSWER_MS = 1000;

/** The networks that the project's machines are on, or that still have a process, as they are now; sorted by name. */
export async function seeNetworks(
  layout: Layout,
  records: readonly MachineRecord[],
): Promise<readonly SeenNetwork[]> {
  const attached = records.flatMap(({ definition }) => definition.networks.map(({ network }) => network));
  const recorded = (await unlessMissing(readdir(layout.networksDirectory))) ?? [];
  const names = new Set([...attached.map(({ name }) => name), ...recorded]);
  const seen = await Promise.all(
    [...names].toSorted().map((name) => seeNetwork(layout, name, { attached, records })),
  );
  return seen.filter((network) => network !== undefined);
}

interface Known {
  readonly attached: readonly Network[];
  readonly records: readonly MachineRecord[];
}

/** Undefined where nothing but a log is left of a network. */
async function seeNetwork(
  layout: Layout,
  name: string,
  { attached, records }: Known,
): Promise<SeenNetwork | undefined> {
  const files = networkLayout(layout, name);
  const [record, answer] = await Promise.all([readNetworkRecord(layout, name), ask(files.controlSocket)]);
  const wanted = attached.find((network) => network.name === name);
  // A process that runs was started from its record's definition.
  const started = record.ok ? record.value?.definition : undefined;
  const definition = answer.kind === 'state' ? (started ?? wanted) : (wanted ?? started);
  const isLeft = wanted === undefined && answer.kind === 'absent';
  if (definition === undefined || isLeft) return undefined;
  const isNeeded = records.some((member) =>
    processNetworks(member.definition).some(({ attachment }) => attachment.network.name === name),
  );
  const absent = isNeeded ? ({ kind: 'absent' } as const) : undefined;
  const process = answer.kind === 'absent' ? absent : answer;
  const members = records.flatMap((member) => seeMember(member, name, process));
  return { name, definition, members, ...(process && { process }) };
}

async function ask(controlSocket: string): Promise<NetworkAnswer> {
  const state = await new NetworkClient(controlSocket).state(ANSWER_MS);
  if (state.ok) return { kind: 'state', state: state.value };
  const { kind, message } = state.error;
  return kind === 'absent' ? { kind } : { kind: 'silent', message };
}

function seeMember(
  record: MachineRecord,
  network: string,
  process: NetworkAnswer | undefined,
): readonly SeenMember[] {
  const { machine, definition } = record;
  const attachment = definition.networks.find((each) => each.network.name === network);
  if (!attachment) return [];
  const live = process?.kind === 'state' ? process.state.members[machine] : undefined;
  const carriesPorts = portCarrier(definition.networks) === attachment;
  return [
    {
      machine,
      active: isActive(record.state),
      ...addressOf(record, attachment, live),
      names: live?.names ?? namesOf(definition, attachment),
      ports: live?.ports ?? (carriesPorts ? publishedPorts(record) : []),
      ...(live && { live }),
    },
  ];
}

type Address = Pick<SeenMember, 'device' | 'mac' | 'ip'>;

/** As the network has it, else as the newest run had it, else as the definition says. */
function addressOf({ endpoint }: MachineRecord, attachment: Attachment, live?: MemberStatus): Address {
  const own = endpoint?.interfaces.find(({ network }) => network === attachment.network.name);
  const ip = live?.ip ?? own?.ip ?? attachment.ip;
  const mac = live?.mac ?? own?.mac ?? attachment.mac;
  return {
    ...(own && { device: own.device }),
    ...(mac !== '' && { mac }),
    ...(ip !== undefined && { ip }),
  };
}

/** Only krun's own switch answers for names. */
function namesOf({ name, hostname }: Machine, { network, aliases }: Attachment): readonly string[] {
  if (network.driver !== 'gvproxy') return [];
  return [...new Set([name, hostname, ...aliases].map((each) => each.toLowerCase()))];
}

import type { Member } from '../network/api.ts';
import { portCarrier } from '../project/port-carrier.ts';
import type { Attachment, Machine } from '../project/project.ts';
import { linkSocket, type Layout } from '../store/layout.ts';
import type { Endpoint } from '../store/records.ts';

/** What the process of a network is told about a machine; undefined where nobody knows the machine's address. */
export function memberOf(
  layout: Layout,
  machine: Machine,
  attachment: Attachment,
  endpoint: Endpoint,
): Member | undefined {
  const { network, mac, aliases } = attachment;
  const ip = endpoint.interfaces.find((one) => one.network === network.name)?.ip;
  if (ip === undefined) return undefined;
  const names = [machine.name, machine.hostname, ...aliases].map((name) => name.toLowerCase());
  return {
    mac,
    ip,
    names: [...new Set(names)],
    ...(network.driver === 'gvproxy' ? { linkSocket: linkSocket(layout, network.name, machine.name) } : {}),
    ports: portCarrier(machine.networks) === attachment ? endpoint.ports : [],
  };
}

import type { Uplink } from '../network/spec.ts';
import { canonicalJson } from '../project/hash.ts';
import { portCarrier } from '../project/port-carrier.ts';
import type { Attachment, Machine, Network } from '../project/project.ts';

/** A network of a machine that needs a process of its own. */
export interface ProcessNetwork {
  readonly attachment: Attachment;
  readonly uplink: Uplink;
  /** Equal text means that one process serves both. */
  readonly shape: string;
}

/** The networks of a machine for which there has to be a process while it runs. */
export function processNetworks(machine: Machine): readonly ProcessNetwork[] {
  const carrier = machine.ports.length > 0 ? portCarrier(machine.networks) : undefined;
  return machine.networks.flatMap((attachment) => {
    const uplink = uplinkOf(attachment.network, attachment === carrier);
    return uplink ? [{ attachment, uplink, shape: canonicalJson(uplink) }] : [];
  });
}

/** {@link ProcessNetwork.shape} of a process that was started for the network. */
export function networkShape(network: Network): string {
  return canonicalJson(uplinkOf(network, true));
}

function uplinkOf(network: Network, publishes: boolean): Uplink | undefined {
  switch (network.driver) {
    case 'gvproxy': {
      const { subnet, mtu, hostAccess, dns, dnsSearch } = network;
      return {
        kind: 'gvproxy',
        subnet,
        mtu,
        hostAccess,
        ...(dns.length > 0 ? { dns } : {}),
        ...(dnsSearch.length > 0 ? { dnsSearch } : {}),
      };
    }
    // Both publish ports by themselves.
    case 'passt':
    case 'tsi':
      return undefined;
    case 'vmnet':
    case 'socket_vmnet':
    case 'tap':
    case 'unixstream':
    case 'unixgram':
      return publishes ? { kind: 'none' } : undefined;
  }
}

import type { Attachment, Network } from './project.ts';

/**
 * The network through which a machine's ports are published: the first that can. Where krun neither carries the frames
 * nor makes the guest's address, it has to know that address.
 */
export function portCarrier(networks: readonly Attachment[]): Attachment | undefined {
  return networks.find(
    ({ network, ip }) => 'subnet' in network || network.driver === 'tsi' || ip !== undefined,
  );
}

/** Whether ports change on a running machine: a network process carries them. */
export function hasLivePorts({ driver }: Network): boolean {
  return driver !== 'passt' && driver !== 'tsi';
}

import type { Machine } from '../project/project.ts';
import { isActive } from './machine-state.ts';
import { processNetworks } from './network-use.ts';
import type { Observed } from './observed.ts';
import type { PlanBuilder } from './plan-builder.ts';

/** What of a plan decides who can be on a network. */
export interface NetworkChanges {
  /** Definitions of the machines that the plan starts. */
  readonly starts: ReadonlyMap<string, Machine>;
  /** Machines that the plan stops. */
  readonly stops: { has(machine: string): boolean };
}

/**
 * Refuses starts on a network that goes on in another shape, because a machine that does not stop is on it: one process
 * serves the network, and it has one subnet, one MTU and one answer to who reaches the host.
 */
export function refuseNetworkShapes(
  builder: PlanBuilder,
  observed: Observed,
  { starts, stops }: NetworkChanges,
): void {
  const shapes = new Map<string, { readonly machine: string; readonly shape: string }>();
  for (const [machine, { definition, state }] of Object.entries(observed.machines)) {
    if (!isActive(state) || stops.has(machine) || starts.has(machine)) continue;
    for (const { attachment, shape } of processNetworks(definition)) {
      shapes.set(attachment.network.name, { machine, shape });
    }
  }
  for (const [machine, definition] of starts) {
    for (const { attachment, shape } of processNetworks(definition)) {
      const { name } = attachment.network;
      const holder = shapes.get(name);
      if (!holder) shapes.set(name, { machine, shape });
      else if (holder.shape !== shape) builder.refuse(refusal(machine, name, holder.machine, observed));
    }
  }
}

function refusal(machine: string, network: string, holder: string, { machines }: Observed): string {
  const known = machines[holder];
  const verb = known && isActive(known.state) ? 'runs' : 'starts';
  return (
    `machine ${machine} needs network ${network} with other settings than machine ${holder} ${verb} on it with: ` +
    `bring both up to date (krun up ${[machine, holder].toSorted().join(' ')}), or stop ${holder} first`
  );
}

import { processNetworks } from '../plan/network-use.ts';
import type { HelperName, Machine, NetworkDriver } from '../project/project.ts';
import { machineLayout, networkLayout, type Layout } from '../store/layout.ts';
import type { MachineRecord } from '../store/records.ts';
import type { NamedSource } from './log-output.ts';

/** Programs that a machine's own process runs. */
const MACHINE_HELPERS: Partial<Readonly<Record<NetworkDriver, HelperName>>> = {
  passt: 'passt',
  vmnet: 'vmnet-helper',
};

/** The logs of machines, with the helper that writes into each. */
export function machineLogs(layout: Layout, records: readonly MachineRecord[]): readonly NamedSource[] {
  return records.map(({ machine, definition }) => ({
    origin: { machine, ...helperOf(definition) },
    file: machineLayout(layout, machine).logFile,
  }));
}

/** The logs of the networks that machines are on, as far as they have a process to write one. */
export function networkLogs(layout: Layout, records: readonly MachineRecord[]): readonly NamedSource[] {
  const names = records.flatMap(({ definition }) =>
    processNetworks(definition).map(({ attachment }) => attachment.network.name),
  );
  return [...new Set(names)].toSorted().map((network) => ({
    origin: { network },
    file: networkLayout(layout, network).logFile,
  }));
}

/** The one program that can be meant; a machine may have several. */
function helperOf({ networks }: Machine): { readonly helper?: HelperName } {
  const helpers = new Set(networks.flatMap(({ network }) => MACHINE_HELPERS[network.driver] ?? []));
  const [helper] = helpers;
  return helper !== undefined && helpers.size === 1 ? { helper } : {};
}

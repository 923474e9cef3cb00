import { networkStatus, networkStatusText, type SeenNetwork, subnetOf } from './network.ts';
import { renderTable } from './table.ts';

/** Twenty names would push everything else out of sight. */
const MACHINES_WIDTH = 40;

export function networkTable(networks: readonly SeenNetwork[], width: number | undefined): string {
  return renderTable(
    [
      { title: 'NAME' },
      { title: 'DRIVER' },
      { title: 'STATUS', shrinks: true },
      { title: 'MACHINES', shrinks: true, widest: MACHINES_WIDTH },
      { title: 'SUBNET' },
    ],
    networks.map((network) => [
      network.name,
      network.definition.driver,
      networkStatusText(network),
      machinesText(network),
      subnetOf(network.definition) ?? '',
    ]),
    width,
  );
}

/** One JSON object, for `network ls --format json`; one a line. */
export function networkLsJson(network: SeenNetwork): string {
  const { name, definition, members } = network;
  return JSON.stringify({
    name,
    driver: definition.driver,
    ...networkStatus(network),
    machines: members.filter(({ active }) => active).map(({ machine }) => machine),
    stopped: members.filter(({ active }) => !active).map(({ machine }) => machine),
    subnet: subnetOf(definition) ?? null,
  });
}

/** Those that run by name, the others counted. */
function machinesText({ members }: SeenNetwork): string {
  const active = members.filter(({ active }) => active).map(({ machine }) => machine);
  const others = members.length - active.length;
  return [...active, ...(others > 0 ? [`${others} stopped`] : [])].join(', ');
}

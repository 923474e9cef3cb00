import { MOST_DEVICES_X64 } from '../vm/device-budget.ts';
import { hasRootDevice } from './boot.ts';
import { diskKey } from './disks.ts';
import type { ResolvedMachine } from './machine.ts';
import type { Machine } from './project.ts';

/**
 * Reports a machine with more devices than its guest has interrupts, by the words of krun.yaml; `src/vm` counts the same
 * devices once more in whatever describes a machine.
 */
export function checkDeviceBudget({ machine, at }: ResolvedMachine, hostArch: string): void {
  if (hostArch !== 'x64') return;
  const own = ownDevices(machine);
  const uses = deviceUses(machine).filter(({ names }) => names.length > 0);
  const total = uses.reduce((sum, { names }) => sum + names.length, own.length);
  if (total <= MOST_DEVICES_X64) return;
  const used = [
    `krun itself uses ${own.length} (${own.join(', ')})`,
    ...uses.map(({ key, names }) =>
      names[0] === key ? `${key} 1` : `${key} ${names.length} (${names.join(', ')})`,
    ),
  ];
  const [largest] = uses.toSorted((a, b) => b.names.length - a.names.length);
  at.child(largest?.key ?? 'disks').keyError(
    'limit',
    `machine \`${machine.name}\` needs ${total} devices; a guest on x86_64 has ${MOST_DEVICES_X64}: ${used.join(', ')}`,
    { hint: `remove ${total - MOST_DEVICES_X64}; one share can hold several directories` },
  );
}

/** What every machine has, and what carries krun's words and the guest's sockets. */
function ownDevices(machine: Machine): readonly string[] {
  const hasTsi = machine.networks.some(({ network }) => network.driver === 'tsi');
  return [
    'balloon',
    'rng',
    'console',
    ...(hasRootDevice(machine) ? ['root file system'] : []),
    ...(machine.agent ? ['control console'] : []),
    ...(hasTsi ? ['vsock'] : []),
  ];
}

interface DeviceUse {
  /** As the file calls them. */
  readonly key: string;
  /** One for each device. */
  readonly names: readonly string[];
}

/** The devices that the file asks for. The serial port and screens take no interrupt of this kind. */
function deviceUses(machine: Machine): readonly DeviceUse[] {
  const { devices = {}, shares, networks, agent } = machine;
  const { vsock = [], consolePorts = [], inputs = [] } = devices;
  // With TSI the device is there already, and with an agent a console that carries the ports.
  const needsVsock = vsock.length > 0 && !networks.some(({ network }) => network.driver === 'tsi');
  const needsConsole = consolePorts.length > 0 && !agent;
  return [
    { key: 'disks', names: disksOf(machine) },
    { key: 'shares', names: shares.map((share) => share.target ?? share.tag) },
    { key: 'networks', names: interfacesOf(machine) },
    { key: 'vsock', names: needsVsock ? ['vsock'] : [] },
    { key: 'console', names: needsConsole ? ['console'] : [] },
    { key: 'gpu', names: devices.gpu ? ['gpu'] : [] },
    { key: 'input', names: inputs },
    { key: 'sound', names: devices.sound ? ['sound'] : [] },
  ];
}

/** Networks with an interface in the guest; TSI has none. */
function interfacesOf(machine: Machine): readonly string[] {
  return machine.networks.flatMap(({ network }) => (network.driver === 'tsi' ? [] : [network.name]));
}

function disksOf(machine: Machine): readonly string[] {
  const disks = machine.disks.map(diskKey);
  return machine.root.kind === 'disk' ? [`root ${diskKey(machine.root.disk)}`, ...disks] : disks;
}

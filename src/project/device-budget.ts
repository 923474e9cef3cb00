import { diskKey } from './disks.ts';
import type { ResolvedMachine } from './machine.ts';
import type { Machine } from './project.ts';

/** x86_64 guests have the interrupts 5 to 15 for virtio-mmio devices, one each. */
const X86_64_DEVICES = 11;
const BUILT_IN = ['balloon', 'rng', 'console', 'root file system'];

/** Reports a machine with more devices than its guest has interrupts; libkrun would refuse the start without saying why. */
export function checkDeviceBudget({ machine, at }: ResolvedMachine, hostArch: string): void {
  if (hostArch !== 'x64') return;
  const hasTsi = machine.networks.some(({ network }) => network.driver === 'tsi');
  const own = [...BUILT_IN, ...(machine.agent ? ['control console'] : []), ...(hasTsi ? ['vsock'] : [])];
  const disks = disksOf(machine);
  const shares = machine.shares.map((share) => share.target ?? share.tag);
  const networks = interfacesOf(machine);
  const total = own.length + disks.length + shares.length + networks.length;
  if (total <= X86_64_DEVICES) return;
  const used = [
    `krun itself uses ${own.length} (${own.join(', ')})`,
    ...(disks.length > 0 ? [`disks ${disks.length} (${disks.join(', ')})`] : []),
    ...(shares.length > 0 ? [`shares ${shares.length} (${shares.join(', ')})`] : []),
    ...(networks.length > 0 ? [`networks ${networks.length} (${networks.join(', ')})`] : []),
  ];
  const [key = 'disks'] =
    [
      ['disks', disks.length] as const,
      ['shares', shares.length] as const,
      ['networks', networks.length] as const,
    ].toSorted(([, a], [, b]) => b - a)[0] ?? [];
  at.child(key).keyError(
    'limit',
    `machine \`${machine.name}\` needs ${total} devices; a guest on x86_64 has ${X86_64_DEVICES}: ${used.join(', ')}`,
    { hint: `remove ${total - X86_64_DEVICES}; one share can hold several directories` },
  );
}

/** Networks with an interface in the guest; TSI has none. */
function interfacesOf(machine: Machine): readonly string[] {
  return machine.networks.flatMap(({ network }) => (network.driver === 'tsi' ? [] : [network.name]));
}

function disksOf(machine: Machine): readonly string[] {
  const disks = machine.disks.map(diskKey);
  return machine.root.kind === 'disk' ? [`root ${diskKey(machine.root.disk)}`, ...disks] : disks;
}

import { diskKey } from './disks.ts';
import type { ResolvedMachine } from './machine.ts';
import type { Machine } from './project.ts';

/** x86_64 guests have the interrupts 5 to 15 for virtio-mmio devices, one each. */
const X86_64_DEVICES = 11;
const BUILT_IN = ['balloon', 'rng', 'console', 'root file system', 'vsock'];

/** Reports a machine with more devices than its guest has interrupts; libkrun would refuse the start without saying why. */
export function checkDeviceBudget({ machine, at }: ResolvedMachine, hostArch: string): void {
  if (hostArch !== 'x64') return;
  const own = machine.agent ? [...BUILT_IN, 'control console'] : BUILT_IN;
  const disks = disksOf(machine);
  const shares = machine.shares.map((share) => share.target ?? share.tag);
  const total = own.length + disks.length + shares.length;
  if (total <= X86_64_DEVICES) return;
  const used = [
    `krun itself uses ${own.length} (${own.join(', ')})`,
    ...(disks.length > 0 ? [`disks ${disks.length} (${disks.join(', ')})`] : []),
    ...(shares.length > 0 ? [`shares ${shares.length} (${shares.join(', ')})`] : []),
  ];
  const key = shares.length > disks.length ? 'shares' : 'disks';
  at.child(key).keyError(
    'limit',
    `machine \`${machine.name}\` needs ${total} devices; a guest on x86_64 has ${X86_64_DEVICES}: ${used.join(', ')}`,
    { hint: `remove ${total - X86_64_DEVICES}; one share can hold several directories` },
  );
}

function disksOf(machine: Machine): readonly string[] {
  const disks = machine.disks.map(diskKey);
  return machine.root.kind === 'disk' ? [`root ${diskKey(machine.root.disk)}`, ...disks] : disks;
}

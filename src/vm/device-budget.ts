import { errorDiagnostic, type Diagnostic } from '../base/diagnostic.ts';
import type { Vm } from './vm.ts';

/** Interrupts 5 to 15 of the PC's controller, one for each virtio device. */
export const MOST_DEVICES_X64 = 11;

/** A kind of device with how many a machine has of it. */
export interface DeviceUse {
  readonly what: string;
  readonly count: number;
}

/** Who uses the guest's device slots; what libkrun always adds comes first. */
export function deviceUse(vm: Vm): readonly DeviceUse[] {
  const { devices = {}, network, consoles, root } = vm;
  const hasVsock =
    typeof network.vsock === 'object' || (network.vsock === 'implicit' && network.interfaces.length === 0);
  const uses: readonly DeviceUse[] = [
    { what: 'balloon', count: 1 },
    { what: 'rng', count: 1 },
    {
      what: 'console',
      count: consoles.kind === 'explicit' ? consoles.consoles.length : 1 + (consoles.more?.length ?? 0),
    },
    { what: 'root file system', count: root ? 1 : 0 },
    { what: 'vsock', count: hasVsock ? 1 : 0 },
    { what: 'disk', count: vm.disks.length },
    { what: 'share', count: vm.shares.length },
    { what: 'interface', count: network.interfaces.length },
    { what: 'gpu', count: devices.gpu ? 1 : 0 },
    // A keyboard or pointer is one device each.
    { what: 'input', count: devices.inputs?.length ?? 0 },
    { what: 'sound', count: devices.sound ? 1 : 0 },
  ];
  return uses.filter(({ count }) => count > 0);
}

/** Reports a machine with more devices than its guest has interrupts: libkrun would refuse it without saying why. */
export function checkDeviceBudget(vm: Vm, arch: string): readonly Diagnostic[] {
  if (arch !== 'x64') return [];
  const uses = deviceUse(vm);
  const total = uses.reduce((sum, { count }) => sum + count, 0);
  if (total <= MOST_DEVICES_X64) return [];
  const list = uses.map(({ what, count }) => (count === 1 ? what : `${what} x ${count}`)).join(', ');
  return [
    errorDiagnostic(
      'limit',
      `the machine has ${total} devices; libkrun has room for ${MOST_DEVICES_X64} on this processor: ${list}`,
      { hint: 'put several directories below one share, or several file systems on one disk' },
    ),
  ];
}

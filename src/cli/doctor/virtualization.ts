import { readFile } from 'node:fs/promises';
import { unlessMissing } from '../../host/errno.ts';
import type { Check, DoctorHost } from './check.ts';
import { firstLine, runProgram } from '../../host/run-program.ts';
import { tryOpen } from './try-open.ts';

/** Whether this host can run microVMs at all: KVM on Linux, Hypervisor.framework on macOS. */
export async function checkVirtualization(host: DoctorHost): Promise<Check> {
  if (host.platform === 'darwin') {
    const result = await runProgram('sysctl', ['-n', 'kern.hv_support']);
    return hypervisorCheck(host.arch, result.kind === 'ended' ? firstLine(result.stdout) : undefined);
  }
  return kvmCheck({
    openError: await tryOpen('/dev/kvm'),
    arch: host.arch,
    cpuInfo: (await unlessMissing(readFile('/proc/cpuinfo', 'utf8'))) ?? '',
  });
}

/** What decides whether KVM serves. */
export interface KvmFacts {
  /** Error code of opening /dev/kvm for reading and writing; undefined when it opened. */
  readonly openError: string | undefined;
  readonly arch: string;
  /** Text of /proc/cpuinfo. */
  readonly cpuInfo: string;
}

export function kvmCheck(facts: KvmFacts): Check {
  switch (facts.openError) {
    case undefined:
      break;
    case 'ENOENT':
    case 'ENODEV':
    case 'ENXIO':
      return {
        id: 'kvm',
        status: 'failed',
        detail: '/dev/kvm is missing',
        hint:
          'Enable virtualization in the firmware and load kvm_intel or kvm_amd; in a virtual machine, ' +
          'enable nested virtualization; in a container, pass --device /dev/kvm',
      };
    case 'EACCES':
    case 'EPERM':
      return {
        id: 'kvm',
        status: 'failed',
        detail: 'no permission to open /dev/kvm',
        hint: 'Add your user to its group, then log in again: sudo usermod -aG kvm "$USER"',
      };
    default:
      return { id: 'kvm', status: 'failed', detail: `/dev/kvm cannot be opened: ${facts.openError}` };
  }
  // Without these flags /dev/kvm is an emulation that runs paravirtualized guests only.
  if (facts.arch === 'x64' && !/^flags\s*:.*\b(?:svm|vmx)\b/m.test(facts.cpuInfo)) {
    return {
      id: 'kvm',
      status: 'failed',
      detail: '/dev/kvm opens, but the CPU has neither svm nor vmx: this KVM cannot boot the bundled kernel',
      hint: 'Use a host with hardware virtualization, or enable nested virtualization for this one',
    };
  }
  return { id: 'kvm', status: 'ok', detail: '/dev/kvm is usable' };
}

export function hypervisorCheck(arch: string, support: string | undefined): Check {
  if (arch !== 'arm64') {
    return { id: 'hypervisor', status: 'failed', detail: `libkrun needs Apple silicon, this is ${arch}` };
  }
  if (support !== '1') {
    return {
      id: 'hypervisor',
      status: 'failed',
      detail: `Hypervisor.framework is not available (kern.hv_support is ${support ?? 'unknown'})`,
      hint: 'In a virtual machine, enable nested virtualization (M3 or newer, macOS 15 or newer)',
    };
  }
  return { id: 'hypervisor', status: 'ok', detail: 'Hypervisor.framework is available' };
}

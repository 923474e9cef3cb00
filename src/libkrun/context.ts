import { LEAST_BUNDLED_KERNEL_MIB } from '../vm/constants.ts';
import { U32 } from './context-base.ts';
import { DeviceContext } from './context-devices.ts';
import { ArgumentError } from './errors.ts';
import { isOpen } from './options.ts';

const LONGEST_OEM_STRING_BYTES = 255;
/** Where libkrun puts a raw kernel on x86_64; there must be memory. */
const RAW_KERNEL_AT_MIB = 2048;

/**
 * One machine as libkrun is told about it: a method for each function. All throw `ArgumentError` for a value that libkrun
 * would crash on, `NotSupportedByVariant` or `NotSupportedByVersion` for a function that the library lacks, and
 * `KrunError` for a call that it refuses; ENOENT there means a context that was freed or started.
 *
 * Nothing is looked at on disk before the start, unless said. Sizes and counts have their unit in the name.
 */
export class Context extends DeviceContext {
  /** Gives the context back. Files that were handed over stay open. */
  free(): void {
    this.make('krun_free_ctx', {});
  }

  /**
   * Replaces libkrun's 1 CPU and 128 MiB. The kernel of libkrunfw uses at most 16 CPUs (8 in a confidential machine).
   * Memory is taken from the host as the guest uses it.
   */
  setVmConfig(options: { readonly vcpus: number; readonly memoryMiB: number }): void {
    this.make('krun_set_vm_config', options, (o) => [
      o.integer('vcpus', [1, 255]),
      o.integer('memoryMiB', [1, U32]),
    ]);
    this.told.vcpus = options.vcpus;
    this.told.memoryMiB = options.memoryMiB;
  }

  /** Machines inside the machine. EINVAL on Linux before 1.18; otherwise tried at the start. libkrun >= 1.11. */
  setNestedVirt(options: { readonly enabled: boolean }): void {
    this.make('krun_set_nested_virt', options, (o) => [o.flag('enabled')]);
  }

  /** An interrupt controller in this process. It does not raise the 11 devices of x86_64. EINVAL elsewhere. libkrun >= 1.12. */
  splitIrqchip(options: { readonly enabled: boolean }): void {
    this.make('krun_split_irqchip', options, (o) => [o.flag('enabled')]);
  }

  /** Texts that firmware shows in SMBIOS, at most 255 bytes each; without effect on x86_64. libkrun >= 1.9.1. */
  setSmbiosOemStrings(options: { readonly strings: readonly string[] }): void {
    this.make('krun_set_smbios_oem_strings', options, (o) => [
      o.texts('strings', { mostBytes: LONGEST_OEM_STRING_BYTES }),
    ]);
  }

  /**
   * A file to which 8 bytes, a little-endian 1, are written to ask the guest for a shutdown. It works on macOS with a
   * guest that listens to the power key, which libkrunfw's kernel does not; EINVAL elsewhere. libkrun >= 1.8.
   */
  getShutdownEventfd(): number {
    return this.make('krun_get_shutdown_eventfd', {});
  }

  /**
   * Builds the machine and runs it. The promise settles only if libkrun refuses, with a `KrunError`: a machine that runs
   * ends the process with `_exit` and the guest's exit code, so no `exit` event comes and nothing is flushed. The context
   * is used up either way. A process runs one machine; give each a process of its own. Of EINVAL the log says the reason,
   * if there is one (`initLog`).
   */
  async startEnter(): Promise<never> {
    this.#refuseAborts();
    this.binding.refuseMissing('krun_start_enter');
    const { native } = this.binding.side;
    this.binding.checked('krun_start_enter', await native.start(this.id));
    throw new Error('krun_start_enter returned although the machine runs');
  }

  /** What libkrun would abort on in the start. */
  #refuseAborts(): void {
    const { vcpus, memoryMiB, consolePorts, descriptors } = this.told;
    for (const [fd, call] of descriptors)
      if (!isOpen(fd))
        refuse(
          `cannot start: file ${fd}, which ${call} was given, is closed`,
          'keep it open: libkrun takes it over',
        );
    for (const [console, ports] of consolePorts)
      if (ports === 0)
        refuse(`cannot start: console ${console} has no port`, 'add one, or leave the console out');
    const least = this.#leastMemoryMiB();
    if (memoryMiB < least)
      refuse(
        `cannot start: the kernel does not fit into ${memoryMiB} MiB`,
        `give the machine ${least} MiB or more`,
      );
    const most = this.#mostVcpus();
    if (vcpus > most) refuse(`cannot start: the hypervisor has no more than ${most} CPUs`, 'lower `vcpus`');
  }

  #leastMemoryMiB(): number {
    const { boot } = this.told;
    if (boot.kind === 'raw bundle') return RAW_KERNEL_AT_MIB + Math.ceil(boot.bytes / 2 ** 20) + 1;
    return boot.kind === 'bundled kernel' && this.binding.side.variant !== 'efi'
      ? LEAST_BUNDLED_KERNEL_MIB
      : 0;
  }

  /** A hypervisor that cannot be asked is the start's concern. */
  #mostVcpus(): number {
    const { native } = this.binding.side;
    const most = native.has('krun_get_max_vcpus') ? native.call('krun_get_max_vcpus', []) : -1;
    return most > 0 ? most : 255;
  }
}

function refuse(problem: string, hint: string): never {
  throw new ArgumentError({ call: 'krun_start_enter' }, problem, hint);
}

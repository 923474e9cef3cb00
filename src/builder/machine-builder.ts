import type { VmDevices } from '../vm/vm.ts';
import { hostPath, text, wholeNumber } from './checks.ts';
import { mistake, refusal } from './error.ts';
import { Part } from './part.ts';

export interface MachineState {
  readonly vcpus: number;
  readonly memoryMiB: number;
  readonly nestedVirt: boolean;
  readonly splitIrqchip: boolean;
  readonly smbiosOemStrings?: readonly string[];
  readonly teeConfigFile?: string;
  readonly hostUid?: number;
  readonly hostGid?: number;
}

export const MACHINE: MachineState = { vcpus: 1, memoryMiB: 512, nestedVirt: false, splitIrqchip: false };

const MOST_U32 = 0xffff_ffff;
/** An SMBIOS string's length is one byte. */
const LONGEST_OEM_STRING_BYTES = 255;

/** CPUs, memory, and what the machine itself can do. */
export class MachineBuilder extends Part<MachineState> {
  /** Virtual CPUs, 1 to 255; 1 when not said. The bundled kernel uses at most 16. */
  vcpus(count: number): this {
    return this.with({ vcpus: count }, wholeNumber('machine.vcpus', count, 1, 255));
  }

  /** Memory in MiB; 512 when not said. The bundled kernel needs about 128. */
  memoryMiB(mib: number): this {
    return this.with({ memoryMiB: mib }, wholeNumber('machine.memoryMiB', mib, 1, MOST_U32));
  }

  /** Only `hyperthreading(false)`, which is what libkrun does, is possible: its C API cannot turn it on. */
  hyperthreading(enabled: boolean): this {
    if (!enabled) return this;
    const reason = 'libkrun gives a guest CPUs without hyperthreads and has no function to change it';
    return this.with({}, refusal('machine.hyperthreading', reason, 'remove it, or add CPUs with vcpus()'));
  }

  /** Lets the guest run virtual machines: libkrun 1.18 on Linux; on macOS an M3 or newer. */
  nestedVirt(enabled = true): this {
    return this.with({ nestedVirt: enabled });
  }

  /** Keeps the interrupt controller for devices out of the host's kernel (x86_64 Linux). */
  splitIrqchip(enabled = true): this {
    return this.with({ splitIrqchip: enabled });
  }

  /** Texts that firmware tells the guest, at most 255 bytes each; without firmware nobody reads them. */
  smbiosOemStrings(strings: readonly string[]): this {
    const where = 'machine.smbiosOemStrings';
    const tooLong = strings.filter((entry) => Buffer.byteLength(entry) > LONGEST_OEM_STRING_BYTES);
    return this.with(
      { smbiosOemStrings: [...strings] },
      ...strings.map((entry) => text(where, entry)),
      ...tooLong.map((entry) =>
        mistake(
          where,
          `a string has ${Buffer.byteLength(entry)} bytes; ${LONGEST_OEM_STRING_BYTES} are allowed`,
        ),
      ),
    );
  }

  /** Configuration of a confidential machine; needs libkrun-sev or libkrun-tdx. */
  teeConfigFile(file: string): this {
    return this.with({ teeConfigFile: hostPath(file) }, text('machine.teeConfigFile', file));
  }

  /** Numeric user that the process becomes once the disks are open and before the machine is built. */
  hostUid(uid: number): this {
    return this.with({ hostUid: uid }, wholeNumber('machine.hostUid', uid, 0, MOST_U32 - 1));
  }

  /** Numeric group that the process becomes, before the user. */
  hostGid(gid: number): this {
    return this.with({ hostGid: gid }, wholeNumber('machine.hostGid', gid, 0, MOST_U32 - 1));
  }
}

/** What of a machine the guest meets as a property of its computer. */
export function machineDevices(state: MachineState): VmDevices {
  const { nestedVirt, splitIrqchip, smbiosOemStrings, teeConfigFile } = state;
  return {
    ...(nestedVirt ? { nestedVirt } : {}),
    ...(splitIrqchip ? { splitIrqchip } : {}),
    ...(smbiosOemStrings === undefined ? {} : { smbiosOemStrings }),
    ...(teeConfigFile === undefined ? {} : { teeConfigFile }),
  };
}

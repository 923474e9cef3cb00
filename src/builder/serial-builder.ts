import type { Fd } from '../vm/calls.ts';
import type { VmSerial } from '../vm/vm.ts';
import { descriptor } from './checks.ts';
import { Part } from './part.ts';

export const SERIAL: VmSerial = { input: -1, output: -1 };

/** One serial port, ttyS0 first (ttyAMA0 on arm64); call `serial` once for each. */
export class SerialBuilder extends Part<VmSerial> {
  /** Open file that the guest's input is read from; an end that is not named needs libkrun >= 1.18. */
  input(fd: Fd): this {
    return this.with({ input: fd }, descriptor('serial.input', fd, true));
  }

  /** Open file that the guest's output is written to. */
  output(fd: Fd): this {
    return this.with({ output: fd }, descriptor('serial.output', fd, true));
  }
}

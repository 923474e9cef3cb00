import { readFileSync } from 'node:fs';
import type { Display } from '../project/project.ts';
import type { Vm, VmDevices, VmDisplay } from '../vm/vm.ts';
import type { MachineSpec } from './spec.ts';

/** The parts of a plain virtual machine that few machines have. The file of an EDID is read here. */
export function deviceOptions({ devices }: MachineSpec): Pick<Vm, 'serial' | 'kernelConsole' | 'devices'> {
  if (devices === undefined) return {};
  const { serial, kernelConsole, gpu, displays, inputs = [], sound } = devices;
  const options: VmDevices = {
    ...(gpu === undefined ? {} : { gpu }),
    ...(displays === undefined ? {} : { displays: displays.map(displayOf) }),
    ...(inputs.length === 0 ? {} : { inputs: inputs.map((_, index) => ({ descriptor: inputName(index) })) }),
    ...(sound ? { sound } : {}),
  };
  return {
    ...(serial === undefined
      ? {}
      : { serial: [{ input: { descriptor: 'serial.in' }, output: { descriptor: 'serial.out' } }] }),
    ...(kernelConsole === undefined ? {} : { kernelConsole }),
    ...(Object.keys(options).length === 0 ? {} : { devices: options }),
  };
}

/** Descriptor of an event device of the host. */
export function inputName(index: number): string {
  return `input${index}`;
}

function displayOf({ edid, ...display }: Display): VmDisplay {
  return edid === undefined ? display : { ...display, edid: readFileSync(edid) };
}

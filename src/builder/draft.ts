import type { Diagnostic } from '../base/diagnostic.ts';
import { LEAST_BUNDLED_KERNEL_MIB } from '../vm/constants.ts';
import { execProblems, type ExecNames } from '../vm/exec-words.ts';
import type { Vm, VmDevices, VmLog, VmSerial } from '../vm/vm.ts';
import { consoleMistakes, consolesOf, type ConsoleState } from './console-builder.ts';
import type { DevicesState } from './devices-builder.ts';
import { disksOf, type DiskState } from './disk-builder.ts';
import { mistake } from './error.ts';
import { execMistakes, execOf, type ExecState } from './exec-builder.ts';
import { fileSystemsOf, type FsState } from './fs-builder.ts';
import { bootOf, kernelMistakes, type KernelState } from './kernel-builder.ts';
import { machineDevices, type MachineState } from './machine-builder.ts';
import { interfacesOf, type NetState } from './net-builder.ts';
import { vsockMistakes, vsockOf, type VsockState } from './vsock-builder.ts';

/** Everything that was said of a machine, before it is checked as a whole. */
export interface Draft {
  readonly name: string;
  readonly log: VmLog;
  readonly machine: MachineState;
  readonly kernel: KernelState;
  readonly filesystems: readonly FsState[];
  readonly disks: readonly DiskState[];
  readonly nets: readonly NetState[];
  readonly vsock: VsockState;
  readonly console: ConsoleState;
  readonly serials: readonly VmSerial[];
  readonly exec: ExecState;
  readonly devices: DevicesState;
}

/** What the bundled kernel is built for. */
const MOST_BUNDLED_CPUS = 16;

const NAMES: ExecNames = {
  command: 'exec.args',
  environment: 'exec.env',
  workingDir: 'exec.workdir',
  hint: 'these words travel on the kernel command line; put what does not fit into a file',
};

/** What is wrong with the parts together. */
export function draftMistakes(draft: Draft): readonly Diagnostic[] {
  const { filesystems, disks, nets, kernel, vsock, console, exec } = draft;
  const hasInterfaces = nets.length > 0;
  const command = execOf(exec);
  return [
    ...bundledKernelMistakes(draft),
    ...kernelMistakes(kernel),
    ...fileSystemsOf(filesystems, disks.length).mistakes,
    ...disksOf(disks).mistakes,
    ...interfacesOf(nets, identity(draft)).mistakes,
    ...vsockMistakes(vsock, hasInterfaces),
    ...consoleMistakes(console),
    ...execMistakes(exec),
    ...(command ? execProblems(command, NAMES) : []),
  ];
}

function bundledKernelMistakes({ machine, kernel, filesystems, exec }: Draft): readonly Diagnostic[] {
  const mistakes: Diagnostic[] = [];
  if (kernel.firmware !== undefined && exec.path !== undefined)
    mistakes.push(mistake('exec', 'what firmware boots starts no command for libkrun'));
  if (kernel.kernel || kernel.firmware !== undefined) return mistakes;
  const { vcpus, memoryMiB } = machine;
  if (vcpus > MOST_BUNDLED_CPUS)
    mistakes.push(
      mistake('machine.vcpus', `the bundled kernel uses at most ${MOST_BUNDLED_CPUS} CPUs, not ${vcpus}`),
    );
  if (Number.isInteger(memoryMiB) && memoryMiB >= 1 && memoryMiB < LEAST_BUNDLED_KERNEL_MIB)
    mistakes.push(
      mistake(
        'machine.memoryMiB',
        `the bundled kernel does not start in ${memoryMiB} MiB`,
        'give it 128 or more',
      ),
    );
  const hasRoot = filesystems.some(({ tag, device }) => tag === '/dev/root' || device !== undefined);
  if (!hasRoot)
    mistakes.push(mistake('fs', 'the guest has no root file system', 'name one with root() or rootDevice()'));
  return mistakes;
}

/** The machine that a draft without mistakes describes. */
export function vmOf(draft: Draft, init: Uint8Array | undefined): Vm {
  const { machine, nets, filesystems, vsock, exec } = draft;
  const { disks } = disksOf(draft.disks);
  const { root, shares, overlays } = fileSystemsOf(filesystems, disks.length);
  const boot = bootOf(draft.kernel, init);
  const command = execOf(exec);
  const { interfaces } = interfacesOf(nets, identity(draft));
  const devices: VmDevices = { ...machineDevices(machine), ...draft.devices };
  return {
    log: draft.log,
    vcpus: machine.vcpus,
    memoryMiB: machine.memoryMiB,
    ...(boot ? { boot } : {}),
    ...(root ? { root } : {}),
    disks,
    shares,
    ...(overlays.length > 0 ? { overlays } : {}),
    network: { interfaces, ...vsockOf(vsock, interfaces.length > 0) },
    consoles: consolesOf(draft.console),
    ...(draft.serials.length > 0 ? { serial: draft.serials } : {}),
    ...(draft.kernel.console === undefined ? {} : { kernelConsole: draft.kernel.console }),
    ...(command ? { exec: { ...command, isChecked: true } } : {}),
    ...(exec.rlimits.length > 0 ? { rlimits: exec.rlimits } : {}),
    ...(Object.keys(devices).length > 0 ? { devices } : {}),
    ...(machine.hostUid === undefined ? {} : { hostUid: machine.hostUid }),
    ...(machine.hostGid === undefined ? {} : { hostGid: machine.hostGid }),
  };
}

/** What an automatic MAC address is derived from: the machine's name, and where it lives. */
function identity({ name, filesystems, disks }: Draft): { readonly machine: string; readonly home: string } {
  const root = filesystems.find(({ tag }) => tag === '/dev/root')?.path;
  return { machine: name, home: root ?? disks[0]?.path ?? '' };
}

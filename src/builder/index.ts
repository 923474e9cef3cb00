/**
 * `krun/builder`: describes one microVM step by step, looks at it as the list of libkrun's calls that it amounts to, and
 * turns the process into it.
 *
 * @module
 */
export { vm, VmBuilder } from './vm-builder.ts';
export { BuiltVm } from './built-vm.ts';
export { BuilderError } from './error.ts';
export { capabilitiesOf, newestLibkrun } from './capabilities.ts';
export type { EnterOptions } from './enter.ts';

export type { ConsoleBuilder, PortEnds, Streams } from './console-builder.ts';
export type { DevicesBuilder, GpuOptions, VirglFlag } from './devices-builder.ts';
export type { DiskBuilder } from './disk-builder.ts';
export type { ExecBuilder } from './exec-builder.ts';
export type { FsBuilder, OverlayFileOptions, RootDeviceOptions } from './fs-builder.ts';
export type { KernelBuilder } from './kernel-builder.ts';
export type { LogBuilder, LogLevelName } from './log-builder.ts';
export type { MachineBuilder } from './machine-builder.ts';
export type { NetBuilder, UnixgramPathOptions } from './net-builder.ts';
export type { SerialBuilder } from './serial-builder.ts';
export type { PortMapping, TsiOptions, VsockBuilder } from './vsock-builder.ts';

export type { Diagnostic, DiagnosticCode } from '../base/diagnostic.ts';
export type { Capabilities } from '../vm/call-list.ts';
export { formatCall } from '../vm/calls.ts';
export type { Call, CallArgument, Fd } from '../vm/calls.ts';
export type { LibkrunFunction } from '../vm/functions.ts';
export type {
  DiskFormat,
  DiskSync,
  FsSemantics,
  KernelFormat,
  Vm,
  VmBoot,
  VmConsole,
  VmConsolePort,
  VmConsoles,
  VmDevices,
  VmDisk,
  VmDisplay,
  VmExec,
  VmGpu,
  VmInterface,
  VmLog,
  VmNetwork,
  VmOverlay,
  VmRlimit,
  VmRoot,
  VmSerial,
  VmShare,
  VmVsockPort,
} from '../vm/vm.ts';

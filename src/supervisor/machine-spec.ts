import path from 'node:path';
import { nodeLibraryFiles } from '../host/library-files.ts';
import { findLibraries } from '../libkrun/library.ts';
import {
  MACHINE_SPEC_VERSION,
  type GuestSpec,
  type MachineSpec,
  type SpecDisk,
  type SpecRoot,
} from '../machine/spec.ts';
import { bootsItself, hasRootDevice } from '../project/boot.ts';
import type { DiskAttachment, Machine } from '../project/project.ts';
import { machineLayout, rawFile, runLayout, type Layout } from '../store/layout.ts';
import { specDevices } from './device-spec.ts';
import { ActionFailure } from './failure.ts';
import { specBoot, specTee } from './machine-boot.ts';
import { guestNetwork, specNetwork, type NetworkInput } from './machine-network.ts';

export interface SpecInput extends NetworkInput {
  readonly project: string;
  readonly run: number;
}

/** What a machine's process is told about one run. Throws an {@link ActionFailure} where something is not to be found. */
export function machineSpec(input: SpecInput): MachineSpec {
  const { layout, project, definition, run } = input;
  const files = machineLayout(layout, definition.name);
  const { root } = definition;
  const rootDisk = root.kind === 'disk' ? [root.disk] : [];
  const tee = specTee(definition.teeConfig);
  return {
    version: MACHINE_SPEC_VERSION,
    project,
    machine: definition.name,
    run,
    intentFile: files.intentFile,
    identityFile: runLayout(files, run).identityFile,
    controlSocket: files.controlSocket,
    files: {
      stdout: rawFile(files, run, 'stdout'),
      stderr: rawFile(files, run, 'stderr'),
      console: rawFile(files, run, 'console'),
      helper: rawFile(files, run, 'helper'),
      status: rawFile(files, run, 'status'),
    },
    library: libraries(definition, tee),
    logLevel: definition.libkrun.logLevel,
    cpus: definition.cpus,
    memoryMiB: definition.memoryMiB,
    root: specRoot(definition),
    ...specBoot(definition.boot),
    ...tee,
    ...specOptions(definition),
    disks: [...rootDisk, ...definition.disks].map((disk, index) => specDisk(layout, disk, index)),
    shares: definition.shares.map(({ tag, source, readOnly, daxBytes }) => ({
      tag,
      path: source,
      readOnly,
      daxBytes,
    })),
    rlimits: definition.rlimits,
    ...withSerialOutput(specDevices(definition, layout), definition, rawFile(files, run, 'stdout')),
    network: specNetwork(input),
    guest: guestSpec(input),
    stopSignal: definition.stopSignal,
  };
}

/** What a kernel or firmware of the user's own says on the serial port is its output, unless it shall go elsewhere. */
function withSerialOutput(
  spec: Pick<MachineSpec, 'devices'>,
  { boot, root }: Machine,
  log: string,
): Pick<MachineSpec, 'devices'> {
  if (!bootsItself(boot, root.kind) || boot?.kind === 'init') return spec;
  return { devices: { ...spec.devices, serial: { log, ...spec.devices?.serial } } };
}

/** Properties that are told as they are. */
function specOptions({
  nested,
  splitIrqchip,
  smbiosOemStrings,
  hostUid,
  hostGid,
}: Machine): Partial<MachineSpec> {
  return {
    ...(nested === undefined ? {} : { nested }),
    ...(splitIrqchip === undefined ? {} : { splitIrqchip }),
    ...(smbiosOemStrings === undefined ? {} : { smbiosOemStrings }),
    ...(hostUid === undefined ? {} : { hostUid }),
    ...(hostGid === undefined ? {} : { hostGid }),
  };
}

/** A guest that boots by itself finds its root on its own; so does one that is confidential. */
function specRoot(machine: Machine): SpecRoot {
  const { root } = machine;
  if (root.kind !== 'disk') return root;
  if (!hasRootDevice(machine)) return { kind: 'none' };
  const { device, fstype, options } = root;
  return {
    kind: 'disk',
    device,
    ...(fstype === undefined ? {} : { fstype }),
    ...(options === undefined ? {} : { options }),
  };
}

/** Where the image of a disk is. */
export function diskPath(layout: Layout, disk: DiskAttachment): string {
  if (disk.source.kind === 'file') return disk.source.path;
  return path.join(layout.disksDirectory, `${disk.source.name}.${disk.format}`);
}

/** Lies beside the image of a disk while it is made longer, and holds the length that it had. */
export function growthNote(layout: Layout, disk: string): string {
  return path.join(layout.disksDirectory, `.${disk}.growing`);
}

function specDisk(layout: Layout, disk: DiskAttachment, index: number): SpecDisk {
  return {
    id: `disk${index}`,
    path: diskPath(layout, disk),
    format: disk.format,
    readOnly: disk.readOnly,
    sync: disk.sync,
    directIo: disk.directIo,
  };
}

function guestSpec(input: NetworkInput): GuestSpec {
  const { definition } = input;
  const { command, environment, workingDir, hostname, shares } = definition;
  if (!definition.agent) {
    const words = { command, environment, workingDir };
    if (!bootsItself(definition.boot, definition.root.kind)) return { kind: 'direct', ...words };
    return { kind: 'self', ...(command.length === 0 ? {} : { exec: words }) };
  }
  const mounts = shares.flatMap(({ tag, target, readOnly }) =>
    target === undefined ? [] : [{ tag, target, readOnly }],
  );
  const network = guestNetwork(input);
  const common = { command, environment, workingDir, hostname, mounts, network };
  return { kind: 'bootstrap', ...common, ...agentSettings(definition) };
}

type AgentSettings = Omit<
  Extract<GuestSpec, { kind: 'bootstrap' }>,
  'kind' | 'command' | 'environment' | 'workingDir' | 'hostname' | 'mounts' | 'network'
>;

/** What the agent does beside starting the command; only what differs from nothing. */
function agentSettings(definition: Machine): AgentSettings {
  const { user, tty, stdinOpen, stopCommand, stopGracePeriodMs, oneOff, devices } = definition;
  return {
    ...(user === undefined ? {} : { user }),
    ...(tty ? { tty } : {}),
    ...(stdinOpen ? { stdinOpen } : {}),
    ...(oneOff?.idle ? { idle: true } : {}),
    ...(devices?.consolePorts === undefined ? {} : { ports: devices.consolePorts }),
    ...(stopCommand.length === 0 ? {} : { stopCommand, stopGracePeriodMs }),
  };
}

function libraries(
  { libkrun: settings }: Machine,
  { tee }: Pick<MachineSpec, 'tee'>,
): MachineSpec['library'] {
  const platform = { os: process.platform, arch: process.arch };
  const wanted = { ...settings, ...(tee === undefined ? {} : { variant: tee.variant }) };
  const found = findLibraries(wanted, process.env, platform, nodeLibraryFiles());
  if (!found.ok) {
    const [first] = found.error;
    throw first ? ActionFailure.from(first) : new ActionFailure('libkrun was not found');
  }
  const { libkrun, libkrunfw } = found.value;
  return libkrunfw ? { libkrun: libkrun.path, libkrunfw: libkrunfw.path } : { libkrun: libkrun.path };
}

import path from 'node:path';
import { VIRGL_FLAGS } from '../vm/constants.ts';
import type { Vm, VmDevices, VmDisk, VmGpu, VmInterface, VmRoot, VmVsockPort } from '../vm/vm.ts';
import type { KrunkitBoot } from './boot.ts';
import { GUEST_START, STOP_PORT } from './guest-start.ts';
import { devicesOf, type KrunkitNet, type KrunkitOptions } from './options.ts';

/** What the machine depends on besides its command line. */
export interface KrunkitHost {
  readonly os: string;
  readonly boot: KrunkitBoot;
  /** Memory of the host. */
  readonly memoryBytes: number;
  /** Whether guests of this host can have virtual machines of their own. */
  readonly canNest: boolean;
  /** Where libkrun shall make the socket of `--timesync`. */
  readonly timesyncSocket: string;
}

const MIB = 1024 ** 2;
/** krunkit: macOS's 36-bit guest addresses, less 2 GiB for where memory starts. */
const MOST_ADDRESSES_MIB = 63_488;
const INFO = 3;

/**
 * The machine that krunkit would make, as libkrun's calls need it. Open descriptors have the names `log`
 * (where there is a log file), `stop`, and `net0`, `net1`, ... for the interfaces whose socket krun connects
 * itself.
 */
export function krunkitVm(options: KrunkitOptions, host: KrunkitHost): Vm {
  const { boot } = host;
  const serial = devicesOf(options, 'serial')[0];
  return {
    log: {
      target: options.logFile === undefined ? -1 : { descriptor: 'log' },
      level: options.logLevel ?? INFO,
      ignoreEnvironment: options.logLevel !== undefined,
      style: 'auto',
    },
    vcpus: options.cpus,
    memoryMiB: options.memoryMiB,
    ...(boot.kind === 'firmware' ? { boot } : { root: rootOf(boot), exec: GUEST_START }),
    disks: disksOf(options, host.os),
    shares: devicesOf(options, 'share').map(({ directory, tag, semantics }) => ({
      tag,
      path: directory,
      readOnly: false,
      daxBytes: 0,
      semantics,
    })),
    network: {
      interfaces: devicesOf(options, 'net').map(interfaceOf),
      // A guest without an interface has no network with krunkit, whose guests' kernels do not know TSI.
      vsock: { hijack: [] },
      vsockPorts: vsockPortsOf(options, host),
    },
    consoles: {
      kind: 'implicit',
      ...(serial && { outputFile: serial.logFile }),
      ...(boot.kind === 'root-disk' && { more: [STOP_CONSOLE] }),
    },
    devices: deviceOptions(options, host),
    ...(hasShutdownEvent(host) && { shutdownEvent: true }),
  };
}

const STOP_CONSOLE = {
  kind: 'multiport',
  ports: [{ kind: 'inout', name: STOP_PORT, input: { descriptor: 'stop' }, output: -1 }],
} as const;

function hasShutdownEvent({ os, boot }: KrunkitHost): boolean {
  return os === 'darwin' && boot.kind === 'firmware';
}

function rootOf({ device, fstype }: Extract<KrunkitBoot, { kind: 'root-disk' }>): VmRoot {
  return { kind: 'disk', device, fstype };
}

function disksOf(options: KrunkitOptions, os: string): readonly VmDisk[] {
  const taken = new Set<string>();
  return devicesOf(options, 'disk').map((disk): VmDisk => {
    // krunkit names disks after their files, and libkrun wants each name once.
    const id = uniqueName(path.basename(disk.path), taken);
    const sync = os === 'darwin' ? 'relaxed' : 'full';
    return { id, path: disk.path, format: disk.format, readOnly: false, sync, directIo: false };
  });
}

function uniqueName(name: string, taken: Set<string>): string {
  let unique = name;
  for (let count = 2; taken.has(unique); count++) unique = `${name}-${count}`;
  taken.add(unique);
  return unique;
}

function interfaceOf(net: KrunkitNet, index: number): VmInterface {
  const { mac, offloading } = net;
  return { mac, offloading, dhcp: false, backend: backendOf(net, index) };
}

/**
 * A stream is connected by krun: libkrun would find out too late, in the running guest, that nobody is there.
 */
function backendOf({ socket, peer, vfkitMagic }: KrunkitNet, index: number): VmInterface['backend'] {
  if (socket === 'unixstream')
    return { kind: 'unixstream', fd: 'fd' in peer ? peer.fd : { descriptor: `net${index}` } };
  return 'fd' in peer
    ? { kind: 'unixgram', fd: peer.fd, vfkitMagic }
    : { kind: 'unixgram', path: peer.path, vfkitMagic };
}

function vsockPortsOf(options: KrunkitOptions, host: KrunkitHost): readonly VmVsockPort[] {
  const ports = devicesOf(options, 'vsock').map(({ port, path, listener }) => ({ port, path, listener }));
  if (options.timesyncPort === undefined) return ports;
  return [...ports, { port: options.timesyncPort, path: host.timesyncSocket, listener: 'guest' }];
}

function deviceOptions(options: KrunkitOptions, host: KrunkitHost): VmDevices {
  const isFirmware = host.boot.kind === 'firmware';
  return {
    ...(options.nested && host.canNest && { nestedVirt: true }),
    ...(isFirmware && options.oemStrings.length > 0 && { smbiosOemStrings: options.oemStrings }),
    ...(host.os === 'darwin' && { gpu: gpuOf(options, host) }),
  };
}

/** krunkit gives every guest a GPU with as much memory as there are addresses for, or as the host has. */
function gpuOf({ memoryMiB }: KrunkitOptions, host: KrunkitHost): VmGpu {
  const roundedMiB = (Math.floor(memoryMiB / 1024) + 1) * 1024;
  const shmBytes = Math.min((MOST_ADDRESSES_MIB - roundedMiB) * MIB, host.memoryBytes);
  return { virglFlags: VIRGL_FLAGS.venus | VIRGL_FLAGS.no_virgl, shmBytes };
}

import type { KrunkitBoot } from './boot.ts';
import type { KrunkitDevice, KrunkitOptions } from './options.ts';

/**
 * The machine as `GET /vm/inspect` of vfkit tells it: the words of the command line in vfkit's names, so that
 * its Go client reads it. `krun` is an addition: what boots.
 */
export function inspection(options: KrunkitOptions, boot: KrunkitBoot): Readonly<Record<string, unknown>> {
  const { bootloader, timesyncPort } = options;
  return {
    vcpus: options.cpus,
    memoryBytes: options.memoryMiB * 1024 ** 2,
    bootloader: {
      kind: 'efiBootloader',
      efiVariableStorePath: bootloader?.variableStore ?? '',
      createVariableStore: bootloader?.create ?? false,
    },
    devices: options.devices.map(deviceJson),
    ...(timesyncPort !== undefined && { timesync: { vsockPort: timesyncPort } }),
    ...(options.nested && { nested: true }),
    krun: { boot },
  };
}

function deviceJson(device: KrunkitDevice): Readonly<Record<string, unknown>> {
  switch (device.kind) {
    case 'disk':
      return {
        kind: 'virtioblk',
        devName: 'virtio-blk',
        imagePath: device.path,
        type: 'image',
        format: device.format,
        readOnly: false,
      };
    case 'net':
      return {
        kind: 'virtionet',
        nat: false,
        macAddress: device.mac,
        offloading: device.offloading,
        ...('path' in device.peer ? { unixSocketPath: device.peer.path } : { fd: device.peer.fd }),
        ...(device.vfkitMagic && { vfkitMagic: true }),
      };
    case 'vsock':
      // vfkit says it of the host.
      return {
        kind: 'virtiosock',
        port: device.port,
        socketURL: device.path,
        ...(device.listener === 'host' && { listen: true }),
      };
    case 'share':
      return { kind: 'virtiofs', mountTag: device.tag, sharedDir: device.directory, readOnly: false };
    case 'serial':
      return { kind: 'virtioserial', logFile: device.logFile };
    case 'rng':
      return { kind: 'virtiorng' };
    case 'gpu':
      return { kind: 'virtiogpu', usesGUI: false, width: device.width, height: device.height };
    case 'input':
      return { kind: 'virtioinput', inputType: device.type };
    default:
      return device;
  }
}

import { expect, test } from 'vitest';
import { inspect } from '../../../src/machine/inspect.ts';
import { bootstrapGuest, machineSpec } from './specs.ts';

test('a machine is told in the names of vfkit', () => {
  const spec = machineSpec({
    cpus: 2,
    disks: [{ id: 'a', path: '/d.qcow2', format: 'qcow2', readOnly: true, sync: 'full', directIo: false }],
    shares: [{ tag: 'src', path: '/src', readOnly: false, daxBytes: 0 }],
    network: {
      interfaces: [
        {
          mac: '52:54:00:00:00:01',
          offloading: true,
          dhcp: false,
          backend: { kind: 'unixgram', path: '/n.sock', vfkitMagic: true },
        },
      ],
      hostPorts: [],
    },
    devices: { vsock: [{ port: 7, path: '/v.sock', listener: 'host' }] },
    nested: true,
  });
  expect(inspect(spec)).toMatchObject({
    vcpus: 2,
    nested: true,
    memoryBytes: 512 * 1024 ** 2,
    bootloader: { kind: 'linuxBootloader', vmlinuzPath: '', initrdPath: '' },
    devices: [
      { kind: 'virtiofs', mountTag: '/dev/root', sharedDir: '/p/root', readOnly: false },
      { kind: 'virtioblk', imagePath: '/d.qcow2', format: 'qcow2', readOnly: true },
      { kind: 'virtiofs', mountTag: 'src', sharedDir: '/src' },
      { kind: 'virtionet', macAddress: '52:54:00:00:00:01', offloading: true, unixSocketPath: '/n.sock' },
      { kind: 'virtiosock', port: 7, socketURL: '/v.sock', listen: true },
      { kind: 'virtioserial', logFile: '/p/c' },
      { kind: 'virtiorng' },
      { kind: 'virtioballoon' },
    ],
  });
});

test('nothing is told that may be secret', () => {
  const guest = bootstrapGuest({ command: ['/bin/secret'], environment: { KEY: 'secret' } });
  expect(JSON.stringify(inspect(machineSpec({ guest })))).not.toContain('secret');
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { calls } from '../../../src/machine/configure.ts';
import type { MachineSpec, SpecDevices } from '../../../src/machine/spec.ts';
import type { Capabilities } from '../../../src/vm/call-list.ts';
import { formatCall } from '../../../src/vm/calls.ts';
import type { LibkrunFeature } from '../../../src/vm/functions.ts';
import { bootstrapGuest, machineSpec, NEWEST, tsiNetwork } from './specs.ts';

/** The calls about devices of such a machine, or why there are none. */
function deviceCalls(spec: MachineSpec, capabilities: Capabilities = NEWEST): readonly string[] {
  const result = calls(spec, capabilities);
  if (!result.ok) return result.error.map(({ code, message }) => `${code}: ${message}`);
  return result.value
    .map(formatCall)
    .filter((call) => /vsock|port_map|console|serial|gpu|display|input|snd/.test(call))
    .filter((call) => !call.includes('set_exec'));
}

const withDevices = (devices: SpecDevices, more: Partial<MachineSpec> = {}): MachineSpec =>
  machineSpec({
    guest: { kind: 'direct', command: ['/app'], environment: {}, workingDir: '/' },
    devices,
    ...more,
  });

const CONSOLE = [
  'krun_disable_implicit_console(ctx)',
  'krun_add_virtio_console_default(ctx, -1, <stdout>, <stderr>)',
];

const NO_VSOCK = 'krun_disable_implicit_vsock(ctx)';

function built(features: readonly LibkrunFeature[]): Capabilities {
  return { ...NEWEST, hasFeature: (feature) => features.includes(feature) };
}

describe('vsock ports', () => {
  const devices: SpecDevices = {
    vsock: [
      { port: 7, path: '/p/host.sock', listener: 'host' },
      { port: 5000, path: '/r/v-1', listener: 'guest', link: '/p/guest.sock' },
    ],
  };
  const ports = [
    'krun_add_vsock_port2(ctx, 7, "/p/host.sock", false)',
    'krun_add_vsock_port2(ctx, 5000, "/r/v-1", true)',
  ];

  it('have a device without TSI where the guest has no network, or interfaces', () => {
    const device = ['krun_disable_implicit_vsock(ctx)', 'krun_add_vsock(ctx, 0)', ...ports];
    expect(deviceCalls(withDevices(devices))).toEqual([...device, ...CONSOLE]);
    const network = {
      interfaces: [
        {
          mac: '52:54:00:12:34:56',
          offloading: false,
          dhcp: false,
          backend: { kind: 'unixstream', path: '/r/l-1' } as const,
        },
      ],
      hostPorts: [],
    };
    expect(deviceCalls(withDevices(devices, { network }))).toEqual([...device, ...CONSOLE]);
  });

  it('share the device of TSI', () => {
    const network = tsiNetwork([{ host: 8080, guest: 80 }]);
    expect(deviceCalls(withDevices(devices, { network }))).toEqual([
      'krun_set_port_map(ctx, ["8080:80"])',
      ...ports,
      ...CONSOLE,
    ]);
  });
});

describe('console ports', () => {
  const ports = [
    { name: 'org.example.a', kind: 'socket', path: '/p/a.sock' },
    { name: 'org.example.t', kind: 'terminal', path: '/p/t' },
  ] as const;

  it('are on the agent’s console, before the sessions’ own', () => {
    const spec = machineSpec({ guest: bootstrapGuest({ ports, sessions: { slots: 1, terminals: 6 } }) });
    const names = deviceCalls(spec).flatMap((call) => /console0, "([^"]+)"/.exec(call)?.[1] ?? []);
    const own = ['krun.script', 'krun.control', 'krun.status', 'krun.events'];
    const sessions = ['krun.t0', 'krun.t1', 'krun.t2', 'krun.t3', 'krun.t4', 'krun.d0', 'krun.e0'];
    expect(names).toEqual([...own, 'org.example.a', 'org.example.t', ...sessions]);
    expect(deviceCalls(spec)).toContain(
      'krun_add_console_port_inout(ctx, console0, "org.example.a", <u0>, <u0.out>)',
    );
  });

  it('are on a console of their own without an agent', () => {
    expect(deviceCalls(withDevices({ consolePorts: ports }))).toEqual([
      NO_VSOCK,
      'krun_disable_implicit_console(ctx)',
      'console0 = krun_add_virtio_console_multiport(ctx)',
      'krun_add_console_port_inout(ctx, console0, "org.example.a", <u0>, <u0.out>)',
      'krun_add_console_port_tty(ctx, console0, "org.example.t", <u1>)',
      'krun_add_virtio_console_default(ctx, -1, <stdout>, <stderr>)',
    ]);
  });
});

describe('a serial port and the kernel’s console', () => {
  it('are told after the virtio consoles', () => {
    expect(deviceCalls(withDevices({ serial: { log: '/p/s.log' }, kernelConsole: 'ttyS0' }))).toEqual([
      NO_VSOCK,
      ...CONSOLE,
      'krun_add_serial_console_default(ctx, <serial.in>, <serial.out>)',
      'krun_set_kernel_console(ctx, "ttyS0")',
    ]);
  });

  it('a command line without a console to replace is refused: libkrun would abort', () => {
    const boot = (cmdline: string): MachineSpec =>
      withDevices(
        { kernelConsole: 'ttyS0' },
        { boot: { kind: 'kernel', path: '/k', format: 'elf', cmdline } },
      );
    const refused = ["conflict: the kernel's command line names no console to replace"];
    expect(deviceCalls(boot('quiet init=/init.krun'))).toEqual(refused);
    expect(deviceCalls(boot('init=/init.krun console=hvc0'))).toEqual(refused);
    expect(deviceCalls(boot('console=hvc0 init=/init.krun'))).toContain(
      'krun_set_kernel_console(ctx, "ttyS0")',
    );
  });
});

describe('devices for people', () => {
  it('are a GPU with screens, input devices and sound', () => {
    const devices: SpecDevices = {
      gpu: { virglFlags: 192, shmBytes: 268_435_456 },
      displays: [
        {
          width: 1920,
          height: 1080,
          refreshRateHz: 60,
          dpi: 96,
          physicalSizeMm: { width: 527, height: 296 },
        },
        { width: 800, height: 600 },
      ],
      inputs: ['/dev/input/event3', '/dev/input/event4'],
      sound: true,
    };
    expect(deviceCalls(withDevices(devices), built(['GPU', 'INPUT', 'SND']))).toEqual([
      NO_VSOCK,
      ...CONSOLE,
      'krun_set_gpu_options2(ctx, 192, 268435456)',
      'display0 = krun_add_display(ctx, 1920, 1080)',
      'krun_display_set_refresh_rate(ctx, display0, 60)',
      'krun_display_set_dpi(ctx, display0, 96)',
      'krun_display_set_physical_size(ctx, display0, 527, 296)',
      'display1 = krun_add_display(ctx, 800, 600)',
      'krun_add_input_device_fd(ctx, <input0>)',
      'krun_add_input_device_fd(ctx, <input1>)',
      'krun_set_snd_device(ctx, true)',
    ]);
    expect(deviceCalls(withDevices(devices), built([]))).toEqual([
      'capability: this libkrun was built without a GPU',
      'capability: this libkrun was built without input devices',
      'capability: this libkrun was built without sound',
    ]);
    // A library before 1.17.3 cannot be asked.
    const older = deviceCalls(withDevices(devices), { ...NEWEST, hasFeature: () => undefined });
    expect(older).toContain('krun_set_snd_device(ctx, true)');
  });

  it('an EDID says all but the size, and has to be one', () => {
    const directory = mkdtempSync(path.join(os.tmpdir(), 'krun-edid-'));
    const edid = path.join(directory, 'screen.edid');
    const spec = withDevices({ gpu: { virglFlags: 0 }, displays: [{ width: 800, height: 600, edid }] });
    try {
      writeFileSync(edid, Buffer.alloc(256).fill(255, 1, 7));
      expect(deviceCalls(spec)).toContain('krun_display_set_edid(ctx, display0, <256 bytes>, 256)');
      for (const bytes of [Buffer.alloc(0), Buffer.alloc(128), Buffer.alloc(130).fill(255, 1, 7)]) {
        writeFileSync(edid, bytes);
        expect(deviceCalls(spec)).toEqual(['invalid-value: display 1: the EDID is not one']);
      }
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('count as devices: what the guest has no interrupt for is refused', () => {
    const shares = ['a', 'b', 'c', 'd'].map((tag) => ({ tag, path: '/p', readOnly: false, daxBytes: 0 }));
    const devices: SpecDevices = {
      vsock: [{ port: 1, path: '/p/s', listener: 'host' }],
      gpu: { virglFlags: 0 },
      inputs: ['/dev/input/event3'],
      sound: true,
    };
    expect(deviceCalls(withDevices(devices, { shares }))).toEqual([
      'limit: the machine has 12 devices; libkrun has room for 11 on this processor: balloon, rng, console, root file system, vsock, share x 4, gpu, input, sound',
    ]);
  });
});

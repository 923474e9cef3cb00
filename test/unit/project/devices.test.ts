import { describe, expect, test } from 'vitest';
import { machineHash } from '../../../src/project/hash.ts';
import { complaints, resolveText, web, webFile } from './support.ts';

describe('devices of krun.yaml', () => {
  test('a machine without any has the hash that it had before there were any', () => {
    const plain = web();
    expect(Object.hasOwn(plain, 'devices')).toBe(false);
    const off = web('gpu: false', 'sound: false', 'vsock: []', 'console: {}', 'display: []', 'input: []');
    expect(machineHash(off)).toBe(machineHash(plain));
  });

  test('vsock ports are sorted, relative to the project, and the guest connects unless the file says otherwise', () => {
    const { devices } = web(
      'vsock: [{ port: 5001, socket: ./b.sock, direction: listen }, { port: "5000", socket: ~/a.sock }]',
    );
    expect(devices).toEqual({
      vsock: [
        { port: 5000, socket: '/home/u/a.sock', listener: 'host' },
        { port: 5001, socket: '/p/b.sock', listener: 'guest' },
      ],
    });
  });

  test('console ports keep their order; the kernel’s console is a word; the log is no device', () => {
    const machine = web(
      'console: { log: ./c.log, kernel: "ttyS0,115200", ports: [{ name: b, socket: ./b.sock }, { name: a, tty: ./a }] }',
    );
    expect(machine.devices).toEqual({
      kernelConsole: 'ttyS0,115200',
      consolePorts: [
        { name: 'b', kind: 'socket', path: '/p/b.sock' },
        { name: 'a', kind: 'terminal', path: '/p/a' },
      ],
    });
    expect(machine.logs.consoleFile).toBe('/p/c.log');
    // It is a matter of the supervisor: the machine is the same.
    const { devices } = machine;
    const without = web('console: {}');
    expect(machineHash({ ...without, ...(devices && { devices }) })).toBe(machineHash(machine));
  });

  test('a serial port may have neither log nor input', () => {
    expect(web('serial: {}').devices).toEqual({ serial: {} });
    expect(web('serial: { log: ./s.log, input: /dev/ttyUSB0 }').devices).toEqual({
      serial: { log: '/p/s.log', input: '/dev/ttyUSB0' },
    });
  });

  test('gpu: true is krunkit’s; each option can be said', () => {
    expect(web('gpu: true').devices).toEqual({ gpu: { virgl: false, venus: true, flags: [] } });
    expect(web('gpu: { virgl: true, venus: false, shm: 256MiB, flags: [gles, egl, gles] }').devices).toEqual({
      gpu: { virgl: true, venus: false, flags: ['egl', 'gles'], shmBytes: 268_435_456 },
    });
  });

  test('screens, input devices and sound', () => {
    const screen = 'width: 1920, height: 1080';
    expect(
      web(
        'gpu: true',
        `display: [{ ${screen}, dpi: 96, refresh_rate: 60, width_mm: 527, height_mm: 296 }, { ${screen}, edid: ./e }]`,
        'input: [/dev/input/event3, { device: /dev/input/event4 }]',
        'sound: true',
      ).devices,
    ).toMatchObject({
      displays: [
        {
          width: 1920,
          height: 1080,
          dpi: 96,
          refreshRateHz: 60,
          physicalSizeMm: { width: 527, height: 296 },
        },
        { width: 1920, height: 1080, edid: '/p/e' },
      ],
      inputs: ['/dev/input/event3', '/dev/input/event4'],
      sound: true,
    });
  });

  test('a socket that another user would make is refused', () => {
    expect(complaints('uid: 1000', 'vsock: [{ port: 1, socket: ./a, direction: listen }]')).toContain(
      'krun cannot protect a socket that another user makes (`uid`)',
    );
    expect(complaints('uid: 1000', 'vsock: [{ port: 1, socket: ./a }]')).not.toContain('protect');
  });

  test('firmware is not told a console', () => {
    const { text } = resolveText(
      webFile('disks: [./disk.img]', 'console: { kernel: ttyS0 }').replace(
        'root: ./rootfs',
        'boot: { firmware: ./KRUN_EFI.fd }',
      ),
      { hostArch: 'arm64' },
    );
    expect(text).toContain('a kernel that firmware loads is not told its console by libkrun');
  });

  test('where devices are plenty nothing is counted', () => {
    const many = Array.from({ length: 12 }, (_, index) => `/dev/input/event${index}`).join(', ');
    const file = webFile(`input: [${many}]`);
    expect(resolveText(file).text).toContain('needs 18 devices; a guest on x86_64 has 11');
    expect(resolveText(file, { hostArch: 'arm64' }).text).not.toContain('devices');
  });
});

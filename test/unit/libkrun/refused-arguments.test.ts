import { closeSync, openSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ArgumentError, LibkrunNotAvailable } from '../../../src/libkrun/errors.ts';
import { stubLibkrun } from '../../../src/libkrun/stub.ts';
import { messageOf } from './methods.ts';

let file: number;
beforeAll(() => {
  file = openSync('/dev/null', 'r+');
});
afterAll(() => closeSync(file));

describe('values that libkrun would crash on', () => {
  it('are refused with the option that they are for', () => {
    const context = stubLibkrun({ version: '1.17.4' }).createContext();
    const problems = [
      () => context.setVmConfig({ vcpus: 0, memoryMiB: 512 }),
      () => context.addVirtiofs({ tag: 'x'.repeat(37), path: '/srv' }),
      () => context.setWorkdir({ path: '/my files' }),
      () => context.setExec({ path: '/bin/sh', args: ['größe'] }),
      () => context.setExec({ path: '/bin/sh', env: { A: 'line\nline' } }),
      () => context.setExec({ path: '/bin/sh', env: { A: 'x'.repeat(1500) } }),
      () => context.addSerialConsoleDefault({ output: file }),
      () => context.addConsolePortTty({ console: 0, fd: 0 }),
      () => context.addConsolePortTty({ console: 0, fd: file }),
      () => context.addConsolePortInout({ console: 0, input: file, output: file }),
      () => context.addNetTap({ device: 'krun0', mac: '52:54:00:12:34' }),
      () => context.addNetUnixgram({ path: `/run/${'x'.repeat(100)}`, mac: '52:54:00:12:34:56' }),
      () => context.addNetUnixstream({ mac: '52:54:00:12:34:56' } as never),
      () => context.setRoot({ path: 'a\0b' }),
      () => context.setRoot({ path: 'a\uD800b' }),
      () => context.setRoot(null as never),
      () => context.addDisk({ id: 'a', path: '/a', readonly: true } as never),
      () => context.setMappedVolumes({ volumes: Array.from({ length: 4096 }, () => '/a:/b') }),
      () => context.setRlimits({ limits: [{ name: 'nofile', soft: 'unlimited', hard: 5 }] }),
      () => context.setDisplayBackend({ backend: { address: 8n, byteLength: 64 } }),
      () => context.addDisk2({ id: 'a', path: '/a', format: 'toString' as never }),
      () => context.displaySetEdid({ display: 0, edid: new Uint8Array(128) }),
      () => context.displaySetEdid({ display: 0, edid: new Uint8Array(32_896).fill(255) }),
    ].map(messageOf);
    expect(problems.map((text) => text.replace(/\d+ is none/, 'N is none')).join('\n'))
      .toMatchInlineSnapshot(`
        "ArgumentError: krun_set_vm_config: vcpus must be an integer from 1 to 255, not 0
        ArgumentError: krun_add_virtiofs: tag has 37 bytes; 36 fit
        ArgumentError: krun_set_workdir: path cannot be passed on: the directory: "/my files" has a space
        ArgumentError: krun_set_exec: path cannot be passed on: the command: "größe" has a character outside printable ASCII
        ArgumentError: krun_set_exec: path cannot be passed on: the environment: "A=line\\nline" has a character outside printable ASCII
        ArgumentError: krun_set_exec: path cannot be passed on: the command, the environment and the directory take 1515 bytes together; 1500 fit
        ArgumentError: krun_add_serial_console_default: input is missing; libkrun before 1.18 needs both
        ArgumentError: krun_add_console_port_tty: fd must not be 0: libkrun aborts on it
        ArgumentError: krun_add_console_port_tty: fd must be a terminal; N is none
        ArgumentError: krun_add_console_port_inout: output must not be the file of the input
        ArgumentError: krun_add_net_tap: mac must be a MAC address like 52:54:00:12:34:56, not "52:54:00:12:34"
        ArgumentError: krun_add_net_unixgram: path has 105 bytes; 97 fit
        ArgumentError: krun_add_net_unixstream: path or fd must be given, and not both
        ArgumentError: krun_set_root: path must be a text without NUL and without half characters, not "a\\u0000b"
        ArgumentError: krun_set_root: path must be a text without NUL and without half characters, not "a\\ud800b"
        ArgumentError: krun_set_root takes an object of options, not null
        ArgumentError: krun_add_disk has no option "readonly"
        ArgumentError: krun_set_mapped_volumes: volumes has 4096 entries; 4095 fit
        ArgumentError: krun_set_rlimits: soft is 18446744073709551615, above the hard limit 5
        ArgumentError: krun_set_display_backend: backend has no memory at 8n
        ArgumentError: krun_add_disk2: format must be one of raw, qcow2, vmdk, not "toString"
        ArgumentError: krun_display_set_edid: edid is not an EDID
        ArgumentError: krun_display_set_edid: edid is not an EDID"
      `);
  });

  it('are refused too where two calls together make them', () => {
    const context = stubLibkrun().createContext();
    context.setKernelConsole({ device: 'ttyS0' });
    expect(() => context.setKernel({ path: '/k', format: 'elf', cmdline: 'quiet' })).toThrow(ArgumentError);
    context.setKernel({ path: '/k', format: 'elf', cmdline: 'console=hvc0 quiet' });
    const other = stubLibkrun().createContext();
    other.setKernel({ path: '/k', format: 'elf', cmdline: 'quiet console=hvc0' });
    expect(() => other.setKernelConsole({ device: 'ttyS0' })).toThrow(ArgumentError);
  });

  it('are refused at the start where libkrun only looks then', async () => {
    const withoutPort = stubLibkrun().createContext();
    withoutPort.addVirtioConsoleMultiport();
    await expect(withoutPort.startEnter()).rejects.toThrow('console 0 has no port');
    withoutPort.addConsolePortInout({ console: 0 });
    await expect(withoutPort.startEnter()).rejects.toThrow(LibkrunNotAvailable);

    const small = stubLibkrun().createContext();
    small.setVmConfig({ vcpus: 1, memoryMiB: 32 });
    await expect(small.startEnter()).rejects.toThrow('the kernel does not fit into 32 MiB');
    small.setFirmware({ path: '/firmware' });
    await expect(small.startEnter()).rejects.toThrow(LibkrunNotAvailable);
  });

  it.runIf(process.arch === 'x64')(
    'are refused for a raw kernel, which libkrun prefers to what is told later',
    async () => {
      const context = stubLibkrun().createContext();
      context.setKernel({ path: import.meta.filename, format: 'raw' });
      await expect(context.startEnter()).rejects.toThrow('the kernel does not fit into 128 MiB');
      context.setFirmware({ path: '/firmware' });
      await expect(context.startEnter()).rejects.toThrow('the kernel does not fit into 128 MiB');
      context.setKernel({ path: '/k', format: 'elf' });
      await expect(context.startEnter()).rejects.toThrow('the kernel does not fit into 128 MiB');
    },
  );
});

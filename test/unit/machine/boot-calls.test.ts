import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { vmOf } from '../../../src/machine/configure.ts';
import { StartFailure } from '../../../src/machine/failure.ts';
import type { MachineSpec } from '../../../src/machine/spec.ts';
import {
  bootstrapGuest,
  callText,
  LIBKRUN_1_17,
  LIBKRUN_1_18,
  machineSpec,
  NEWEST,
  problems,
} from './specs.ts';

let root: string;

beforeAll(() => {
  root = mkdtempSync(path.join(os.tmpdir(), 'krun-boot-'));
  writeFileSync(path.join(root, 'own-init'), '\x7FELF and more');
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** The calls between those that every machine has. */
function bootCalls(spec: MachineSpec, capabilities = NEWEST): string {
  const lines = callText(spec, capabilities).split('\n').slice(3, -1);
  const own = lines.filter(
    (line) => !/krun_(disable_implicit_(vsock|console)|add_virtio_console)/.test(line),
  );
  return `\n${own.join('\n').replaceAll(root, 'ROOT')}\n`;
}

function bootProblems(spec: MachineSpec, capabilities = NEWEST): string {
  return problems(spec, capabilities).replaceAll(root, 'ROOT');
}

const self = { kind: 'self' } as const;
const kernel = { kind: 'kernel', path: '/k/vmlinux', format: 'elf' } as const;

describe('a guest that boots by itself', () => {
  it('gets its kernel, initrd and command line, a serial port, and no command', () => {
    const spec = machineSpec({
      root: { kind: 'none' },
      boot: { ...kernel, initrd: '/k/initrd', cmdline: 'console=ttyS0' },
      guest: self,
      devices: { serial: { log: '/p/o' } },
    });
    expect(bootCalls(spec, LIBKRUN_1_17)).toMatchInlineSnapshot(`
      "
      krun_set_kernel(ctx, "/k/vmlinux", 1, "/k/initrd", "console=ttyS0")
      krun_add_serial_console_default(ctx, <serial.in>, <serial.out>)
      "
    `);
  });

  it('may have a root directory beside its initrd, and disks', () => {
    const spec = machineSpec({
      boot: { ...kernel, initrd: '/k/initrd' },
      guest: self,
      disks: [
        { id: 'disk0', path: '/p/a.img', format: 'raw', readOnly: false, sync: 'full', directIo: false },
      ],
    });
    expect(bootCalls(spec)).toMatchInlineSnapshot(`
      "
      krun_set_kernel(ctx, "/k/vmlinux", 1, "/k/initrd", null)
      krun_set_root(ctx, "/p/root")
      krun_add_disk3(ctx, "disk0", "/p/a.img", 0, false, false, 2)
      "
    `);
  });

  it('is booted by firmware', () => {
    const spec = machineSpec({
      root: { kind: 'none' },
      boot: { kind: 'firmware', path: '/f/KRUN_EFI.fd' },
      guest: self,
      smbiosOemStrings: ['a', 'b'],
    });
    expect(bootCalls(spec, { ...NEWEST, arch: 'arm64', os: 'darwin' })).toMatchInlineSnapshot(`
      "
      krun_set_smbios_oem_strings(ctx, ["a","b"])
      krun_set_firmware(ctx, "/f/KRUN_EFI.fd")
      "
    `);
  });

  it("is started by an init of the user's own, with what libkrun's would get", () => {
    const spec = machineSpec({
      boot: { kind: 'init', path: path.join(root, 'own-init') },
      guest: { ...self, exec: { command: ['/bin/app', '-v'], environment: { A: 'b' }, workingDir: '/srv' } },
    });
    expect(bootCalls(spec)).toMatchInlineSnapshot(`
      "
      krun_disable_implicit_init(ctx)
      krun_set_root(ctx, "/p/root")
      krun_fs_add_overlay_file(ctx, "/dev/root", "init.krun", <13 bytes>, 13, 33261, false)
      krun_set_exec(ctx, "/bin/app", ["-v"], ["A=b"])
      krun_set_workdir(ctx, "/srv")
      "
    `);
    expect(bootProblems(spec, LIBKRUN_1_18)).toMatchInlineSnapshot(`
      "capability: this libkrun has no krun_disable_implicit_init
        use libkrun 1.19.0 or newer; \`krun doctor\` shows which one is used
      capability: this libkrun has no krun_fs_add_overlay_file
        use libkrun 1.19.0 or newer; \`krun doctor\` shows which one is used"
    `);
  });

  it('is told where its init cannot be read', () => {
    const spec = machineSpec({ boot: { kind: 'init', path: path.join(root, 'gone') }, guest: self });
    expect(() => vmOf(spec)).toThrow(StartFailure);
    expect(() => vmOf(spec)).toThrow(/cannot read the init from .*gone: ENOENT/);
  });
});

describe('a kernel of the user', () => {
  it("starts libkrun's init under it where nothing else is said", () => {
    const spec = machineSpec({
      boot: kernel,
      guest: { kind: 'direct', command: ['/bin/app'], environment: {}, workingDir: '/' },
    });
    expect(bootCalls(spec)).toMatchInlineSnapshot(`
      "
      krun_set_kernel(ctx, "/k/vmlinux", 1, null, null)
      krun_set_root(ctx, "/p/root")
      krun_set_exec(ctx, "/bin/app", [], [])
      krun_set_workdir(ctx, "/")
      "
    `);
  });

  it('is of a format that the processor and the library boot', () => {
    const spec = (format: 'elf' | 'raw' | 'image_bz2'): MachineSpec =>
      machineSpec({ root: { kind: 'none' }, boot: { ...kernel, format }, guest: self });
    expect(bootProblems(spec('raw'), NEWEST)).toMatchInlineSnapshot(
      `
      "capability: on x86_64 libkrun takes a raw kernel for a bundle like libkrunfw, not for a kernel image
        use the ELF file of the kernel (vmlinux), of the format elf"
    `,
    );
    expect(bootProblems(spec('elf'), { ...NEWEST, arch: 'arm64' })).toMatchInlineSnapshot(
      `
      "capability: libkrun does not load kernels of format elf on arm64
        this processor's kernels are raw, pe_gz"
    `,
    );
    expect(bootProblems(spec('image_bz2'), LIBKRUN_1_17)).toMatchInlineSnapshot(
      `
      "capability: libkrun before 1.18 does not find the kernel in an image that is compressed with bzip2
        use libkrun 1.18 or newer, or the ELF file of the kernel (vmlinux)"
    `,
    );
    expect(bootProblems(spec('image_bz2'), LIBKRUN_1_18)).toBe('none');
  });
});

describe('a read-only root', () => {
  const readOnly = (): MachineSpec =>
    machineSpec({
      root: { kind: 'directory', path: root, readOnly: true },
      guest: bootstrapGuest({ mounts: [{ tag: 'app', target: '/srv/app', readOnly: false }] }),
      shares: [{ tag: 'app', path: '/p/app', readOnly: false, daxBytes: 0 }],
    });

  it('has the mount points that the directory lacks', () => {
    mkdirSync(path.join(root, 'proc'), { recursive: true });
    expect(bootCalls(readOnly())).toMatchInlineSnapshot(`
      "
      krun_add_virtiofs3(ctx, "/dev/root", "ROOT", 0, true)
      krun_add_virtiofs3(ctx, "app", "/p/app", 0, false)
      krun_fs_add_overlay_dir(ctx, "/dev/root", "dev", 16877)
      krun_fs_add_overlay_dir(ctx, "/dev/root", "srv", 16877)
      krun_fs_add_overlay_dir(ctx, "/dev/root", "srv/app", 16877)
      krun_fs_add_overlay_dir(ctx, "/dev/root", "sys", 16877)
      krun_fs_add_overlay_dir(ctx, "/dev/root", "tmp", 16877)
      krun_add_console_port_inout(ctx, console0, "krun.script", <script>, -1)
      krun_add_console_port_inout(ctx, console0, "krun.control", <control>, -1)
      krun_add_console_port_inout(ctx, console0, "krun.status", -1, <status>)
      krun_add_console_port_inout(ctx, console0, "krun.events", -1, <events>)
      krun_add_console_port_tty(ctx, console0, "krun.t0", <t0>)
      krun_add_console_port_inout(ctx, console0, "krun.d0", <d0>, <d0.out>)
      krun_add_console_port_inout(ctx, console0, "krun.e0", -1, <e0>)
      krun_set_exec(ctx, "/bin/sh", ["-c",LOADER], [])
      "
    `);
  });

  it('needs a library that can keep the guest from writing', () => {
    expect(bootProblems(readOnly(), LIBKRUN_1_17)).toContain(
      'this libkrun cannot keep the guest from writing to ROOT\n  use libkrun 1.18 or newer, or share it writable',
    );
  });
});

it('an overlay lies over the root, directories first', () => {
  writeFileSync(path.join(root, 'motd'), 'hello');
  const spec = machineSpec({
    root: {
      kind: 'directory',
      path: root,
      overlay: {
        directories: [{ path: 'mnt', mode: 0o700 }],
        files: [
          {
            path: 'mnt/motd',
            source: { kind: 'file', path: path.join(root, 'motd') },
            mode: 0o644,
            isOneShot: false,
          },
          { path: 'secret', source: { kind: 'content', content: 'x' }, mode: 0o400, isOneShot: true },
        ],
      },
    },
  });
  expect(bootCalls(spec)).toMatchInlineSnapshot(`
    "
    krun_set_root(ctx, "ROOT")
    krun_fs_add_overlay_dir(ctx, "/dev/root", "mnt", 16832)
    krun_fs_add_overlay_file(ctx, "/dev/root", "mnt/motd", <5 bytes>, 5, 33188, false)
    krun_fs_add_overlay_file(ctx, "/dev/root", "secret", <1 bytes>, 1, 33024, true)
    krun_add_console_port_inout(ctx, console0, "krun.script", <script>, -1)
    krun_add_console_port_inout(ctx, console0, "krun.control", <control>, -1)
    krun_add_console_port_inout(ctx, console0, "krun.status", -1, <status>)
    krun_add_console_port_inout(ctx, console0, "krun.events", -1, <events>)
    krun_add_console_port_tty(ctx, console0, "krun.t0", <t0>)
    krun_add_console_port_inout(ctx, console0, "krun.d0", <d0>, <d0.out>)
    krun_add_console_port_inout(ctx, console0, "krun.e0", -1, <e0>)
    krun_set_exec(ctx, "/bin/sh", ["-c",LOADER], [])
    "
  `);
});

it('properties of a machine are told before anything is attached to it', () => {
  const spec = machineSpec({
    root: { kind: 'none' },
    nested: true,
    splitIrqchip: true,
    hostUid: 1000,
    hostGid: 100,
    tee: { config: '/p/tee.json', variant: 'sev' },
    guest: { kind: 'direct', command: [], environment: {}, workingDir: '/' },
  });
  expect(bootCalls(spec)).toMatchInlineSnapshot(`
    "
    krun_set_nested_virt(ctx, true)
    krun_split_irqchip(ctx, true)
    krun_set_tee_config_file(ctx, "/p/tee.json")
    krun_setgid(ctx, 100)
    krun_setuid(ctx, 1000)
    "
  `);
});

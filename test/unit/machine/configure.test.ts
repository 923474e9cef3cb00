import { describe, expect, it } from 'vitest';
import { LOADER } from '../../../src/machine/bootstrap.ts';
import { bootstrapGuest, callText, LIBKRUN_1_17, machineSpec, NEWEST, problems, without } from './specs.ts';

const disk = {
  id: 'disk0',
  path: '/p/a.img',
  format: 'raw',
  readOnly: false,
  sync: 'full',
  directIo: false,
} as const;
const share = { tag: 'src', path: '/p/src', readOnly: false, daxBytes: 0 } as const;

describe('calls of a machine', () => {
  it('configure a directory root with everything that libkrun 1.17 can attach to it', () => {
    const spec = machineSpec({
      cpus: 2,
      disks: [
        disk,
        {
          ...disk,
          id: 'disk1',
          path: '/p/b.qcow2',
          format: 'qcow2',
          readOnly: true,
          directIo: true,
          sync: 'none',
        },
      ],
      shares: [share, { ...share, tag: 'big', path: '/p/big', daxBytes: 1048576 }],
      rlimits: [
        { name: 'nofile', soft: 1024, hard: 4096 },
        { name: 'core', soft: 0, hard: -1 },
      ],
      network: {
        tsi: {
          hijack: ['inet'],
          ports: [
            { host: 8080, guest: 80 },
            { host: 8443, guest: 443 },
          ],
        },
        interfaces: [],
        hostPorts: [],
      },
    });
    expect(callText(spec, LIBKRUN_1_17)).toMatchInlineSnapshot(`
      "krun_init_log(<log>, 2, 2, 1)
      ctx = krun_create_ctx()
      krun_set_vm_config(ctx, 2, 512)
      krun_set_root(ctx, "/p/root")
      krun_add_disk3(ctx, "disk0", "/p/a.img", 0, false, false, 2)
      krun_add_disk3(ctx, "disk1", "/p/b.qcow2", 1, true, true, 0)
      krun_add_virtiofs(ctx, "src", "/p/src")
      krun_add_virtiofs2(ctx, "big", "/p/big", 1048576)
      krun_set_rlimits(ctx, ["7=1024:4096","4=0:18446744073709551615"])
      krun_set_port_map(ctx, ["8080:80","8443:443"])
      krun_disable_implicit_console(ctx)
      console0 = krun_add_virtio_console_multiport(ctx)
      krun_add_console_port_inout(ctx, console0, "krun.script", <script>, -1)
      krun_add_console_port_inout(ctx, console0, "krun.control", <control>, -1)
      krun_add_console_port_inout(ctx, console0, "krun.status", -1, <status>)
      krun_add_console_port_inout(ctx, console0, "krun.events", -1, <events>)
      krun_add_console_port_tty(ctx, console0, "krun.t0", <t0>)
      krun_add_console_port_inout(ctx, console0, "krun.d0", <d0>, <d0.out>)
      krun_add_console_port_inout(ctx, console0, "krun.e0", -1, <e0>)
      krun_add_virtio_console_default(ctx, -1, <stdout>, <stderr>)
      krun_set_exec(ctx, "/bin/sh", ["-c",LOADER], [])
      krun_start_enter(ctx)"
    `);
  });

  it('put the root disk first and name the root file system after it', () => {
    const root = { kind: 'disk', device: '/dev/vda1', fstype: 'ext4', options: 'noatime' } as const;
    expect(callText(machineSpec({ root, disks: [disk] }), NEWEST)).toMatchInlineSnapshot(`
      "krun_init_log(<log>, 2, 2, 1)
      ctx = krun_create_ctx()
      krun_set_vm_config(ctx, 1, 512)
      krun_add_disk3(ctx, "disk0", "/p/a.img", 0, false, false, 2)
      krun_set_root_disk_remount(ctx, "/dev/vda1", "ext4", "noatime")
      krun_disable_implicit_vsock(ctx)
      krun_disable_implicit_console(ctx)
      console0 = krun_add_virtio_console_multiport(ctx)
      krun_add_console_port_inout(ctx, console0, "krun.script", <script>, -1)
      krun_add_console_port_inout(ctx, console0, "krun.control", <control>, -1)
      krun_add_console_port_inout(ctx, console0, "krun.status", -1, <status>)
      krun_add_console_port_inout(ctx, console0, "krun.events", -1, <events>)
      krun_add_console_port_tty(ctx, console0, "krun.t0", <t0>)
      krun_add_console_port_inout(ctx, console0, "krun.d0", <d0>, <d0.out>)
      krun_add_console_port_inout(ctx, console0, "krun.e0", -1, <e0>)
      krun_add_virtio_console_default(ctx, -1, <stdout>, <stderr>)
      krun_set_exec(ctx, "/bin/sh", ["-c",LOADER], [])
      krun_start_enter(ctx)"
    `);
  });

  it('leave the file system of a root disk to the kernel when none is named', () => {
    const root = { kind: 'disk', device: '/dev/vda' } as const;
    expect(callText(machineSpec({ root, disks: [disk] }), NEWEST)).toContain(
      'krun_set_root_disk_remount(ctx, "/dev/vda", null, null)',
    );
  });

  it('pass the command itself, and no ports, for a guest without a shell', () => {
    const guest = {
      kind: 'direct',
      command: ['/init', '--flag', 'two words'],
      environment: { A: 'b c' },
      workingDir: '/srv',
    } as const;
    expect(callText(machineSpec({ guest }), NEWEST)).toMatchInlineSnapshot(`
      "krun_init_log(<log>, 2, 2, 1)
      ctx = krun_create_ctx()
      krun_set_vm_config(ctx, 1, 512)
      krun_set_root(ctx, "/p/root")
      krun_disable_implicit_vsock(ctx)
      krun_disable_implicit_console(ctx)
      krun_add_virtio_console_default(ctx, -1, <stdout>, <stderr>)
      krun_set_exec(ctx, "/init", ["--flag","two words"], ["A=b c"])
      krun_set_workdir(ctx, "/srv")
      krun_start_enter(ctx)"
    `);
  });

  it('let the library enforce read-only shares where it can', () => {
    const spec = machineSpec({ shares: [{ ...share, readOnly: true }] });
    expect(callText(spec, NEWEST)).toContain('krun_add_virtiofs3(ctx, "src", "/p/src", 0, true)');
    expect(problems(spec, LIBKRUN_1_17)).toMatchInlineSnapshot(`
      "capability: this libkrun cannot keep the guest from writing to /p/src
        use libkrun 1.18 or newer, or share it writable"
    `);
  });

  it('use the older disk function only where it does the same', () => {
    const old = without('krun_add_disk3');
    expect(callText(machineSpec({ disks: [disk] }), old)).toContain(
      'krun_add_disk2(ctx, "disk0", "/p/a.img", 0, false)',
    );
    expect(problems(machineSpec({ disks: [{ ...disk, sync: 'none' }] }), old)).toMatchInlineSnapshot(`
      "capability: this libkrun has no krun_add_disk3
        use libkrun 1.17.0 or newer; \`krun doctor\` shows which one is used"
    `);
    expect(problems(machineSpec({ disks: [disk] }), { ...old, os: 'darwin' })).toContain('krun_add_disk3');
  });

  it('name every missing function once', () => {
    const bare = without(
      'krun_add_console_port_inout',
      'krun_disable_implicit_vsock',
      'krun_add_disk3',
      'krun_add_disk2',
    );
    expect(problems(machineSpec({ disks: [disk, disk] }), bare)).toMatchInlineSnapshot(`
      "capability: this libkrun was built without disks (krun_add_disk3 is missing)
        use libkrun 1.17.0 or newer that was built with BLK=1; \`krun doctor\` shows which one is used
      capability: this libkrun has no krun_disable_implicit_vsock
        use libkrun 1.17.0 or newer; \`krun doctor\` shows which one is used
      capability: this libkrun has no krun_add_console_port_inout
        use libkrun 1.17.0 or newer; \`krun doctor\` shows which one is used"
    `);
  });

  it('refuse more devices than a PC has interrupts for', () => {
    const shares = Array.from({ length: 7 }, (_, index) => ({ ...share, tag: `s${index}` }));
    expect(problems(machineSpec({ shares }), NEWEST)).toMatchInlineSnapshot(`
      "limit: the machine has 12 devices; libkrun has room for 11 on this processor: balloon, rng, console x 2, root file system, share x 7
        put several directories below one share, or several file systems on one disk"
    `);
    expect(problems(machineSpec({ shares }), { ...NEWEST, arch: 'arm64' })).toBe('none');
    expect(problems(machineSpec({ shares: shares.slice(1) }), NEWEST)).toBe('none');
  });

  it('refuse share tags that would abort the process', () => {
    const spec = machineSpec({ shares: [{ ...share, tag: 'ä'.repeat(19) }] });
    expect(problems(spec, NEWEST)).toMatchInlineSnapshot(`
      "limit: share tag 'äääääääääääääääääää' has 38 bytes; virtio-fs allows 1 to 36
        give the share a shorter tag"
    `);
  });

  it('never turn the log off, because the guest kernel speaks through it', () => {
    expect(callText(machineSpec({ logLevel: 'off' }), NEWEST)).toContain('krun_init_log(<log>, 1, 2, 1)');
  });
});

describe('words on the kernel command line', () => {
  it('are refused when they would change the rest of the line', () => {
    const guest = {
      kind: 'direct',
      command: ['/bin/a b', 'say "hi"', 'line\nbreak', '--', 'ümlaut'],
      environment: { A: '"' },
      workingDir: '/a b',
    } as const;
    expect(problems(machineSpec({ guest }), NEWEST)).toMatchInlineSnapshot(`
      "limit: command: "say \\"hi\\"" has a double quote
        without the agent (\`agent: false\`) these words travel on the kernel command line
      limit: command: "line\\nbreak" has a character outside printable ASCII
        without the agent (\`agent: false\`) these words travel on the kernel command line
      limit: command: "--" cannot be passed: the kernel ends the command's words there
        without the agent (\`agent: false\`) these words travel on the kernel command line
      limit: command: "ümlaut" has a character outside printable ASCII
        without the agent (\`agent: false\`) these words travel on the kernel command line
      limit: environment: "A=\\"" has a double quote
        without the agent (\`agent: false\`) these words travel on the kernel command line
      limit: command: "/bin/a b" has a space
        without the agent (\`agent: false\`) these words travel on the kernel command line
      limit: working_dir: "/a b" has a space
        without the agent (\`agent: false\`) these words travel on the kernel command line"
    `);
  });

  it('are refused when there is no room for them', () => {
    const environment = Object.fromEntries(
      Array.from({ length: 31 }, (_, index) => [`V${index}`, 'x'.repeat(50)]),
    );
    const guest = { kind: 'direct', command: ['/init'], environment, workingDir: '/' } as const;
    expect(problems(machineSpec({ guest }), NEWEST)).toMatchInlineSnapshot(`
      "limit: command, environment and working_dir take 1769 bytes together; 1500 fit
        without the agent (\`agent: false\`) these words travel on the kernel command line
      limit: environment has 31 words; 30 fit
        without the agent (\`agent: false\`) these words travel on the kernel command line"
    `);
  });

  it('carry a loader that the line can hold', () => {
    expect(LOADER).toMatch(/^[\x20-\x21\x23-\x7e]+$/);
    expect(LOADER.length).toBeLessThan(400);
  });

  it('never carry a NUL byte', () => {
    const guest = bootstrapGuest({ command: ['/a\0b'], environment: { A: '\0' } });
    expect(problems(machineSpec({ guest }), NEWEST)).toMatchInlineSnapshot(`
      "invalid-value: command has a NUL character, which no program can be given
        
      invalid-value: environment has a NUL character, which no program can be given
        "
    `);
  });
});

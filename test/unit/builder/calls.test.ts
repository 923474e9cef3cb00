import { describe, expect, it } from 'vitest';
import { vm, type VmBuilder } from '../../../src/builder/index.ts';
import { LIBKRUN_1_17, NEWEST } from '../machine/specs.ts';

function newest(builder: VmBuilder): string {
  return builder.build().formatCalls(NEWEST);
}

const small = vm().fs((fs) => fs.root('/srv/rootfs'));

describe('a machine of which little is said', () => {
  it('has one CPU, 512 MiB, the terminal of the process and no network', () => {
    expect(small.build().formatCalls(LIBKRUN_1_17)).toMatchInlineSnapshot(`
      "krun_init_log(-1, 2, 2, 1)
      ctx = krun_create_ctx()
      krun_set_vm_config(ctx, 1, 512)
      krun_set_root(ctx, "/srv/rootfs")
      krun_disable_implicit_vsock(ctx)
      krun_start_enter(ctx)"
    `);
  });

  it('is the same for every library that can do it, newest included', () => {
    expect(newest(small)).toBe(small.build().formatCalls(LIBKRUN_1_17));
  });
});

describe('each part', () => {
  it('becomes calls in the order that libkrun accepts, whatever the order of the program', () => {
    const machine = vm()
      .exec((e) =>
        e
          .path('/bin/myapp')
          .args(['--flag', 'value'])
          .env('HOME', '/root')
          .envs({ LANG: 'en_US.UTF-8' })
          .workdir('/app')
          .rlimit('NOFILE', 1024, 4096)
          .rlimit('RLIMIT_CORE', 0, Infinity),
      )
      .console((c) => c.output('/tmp/vm.log'))
      .net((n) => n.mac([0x52, 0x54, 0x00, 0x12, 0x34, 0x56]).unixstreamPath('/run/passt.sock'))
      .net((n) => n.mac('52-54-00-AB-CD-EF').unixgramPath('/run/gv.sock', { vfkitMagic: true }).offloading())
      .net((n) => n.mac('52:54:00:00:00:01').tap('tap0').dhcp())
      .disk((d) => d.path('/p/a.img'))
      .disk((d) => d.readOnly().path('/p/b.qcow2').format('qcow2').sync('none').directIo().id('seed'))
      .fs((fs) =>
        fs
          .tag('data')
          .daxBytes(1 << 30)
          .path('/host/data'),
      )
      .fs((fs) => fs.path('/host/logs').readOnly())
      .fs((fs) => fs.root('/srv/rootfs'))
      .machine((m) => m.vcpus(4).memoryMiB(2048).hyperthreading(false).nestedVirt())
      .log((l) => l.level('debug').style('auto').useEnvironment());
    expect(newest(machine)).toMatchInlineSnapshot(`
      "krun_init_log(-1, 4, 0, 0)
      ctx = krun_create_ctx()
      krun_set_vm_config(ctx, 4, 2048)
      krun_set_nested_virt(ctx, true)
      krun_set_root(ctx, "/srv/rootfs")
      krun_add_disk3(ctx, "disk0", "/p/a.img", 0, false, false, 2)
      krun_add_disk3(ctx, "seed", "/p/b.qcow2", 1, true, true, 0)
      krun_add_virtiofs3(ctx, "data", "/host/data", 1073741824, false)
      krun_add_virtiofs3(ctx, "fs1", "/host/logs", 0, true)
      krun_set_rlimits(ctx, ["7=1024:4096","4=0:18446744073709551615"])
      krun_disable_implicit_vsock(ctx)
      krun_add_net_unixstream(ctx, "/run/passt.sock", -1, "52:54:00:12:34:56", 0, 0)
      krun_add_net_unixgram(ctx, "/run/gv.sock", -1, "52:54:00:ab:cd:ef", 19587, 1)
      krun_add_net_tap(ctx, "tap0", "52:54:00:00:00:01", 0, 0)
      krun_set_console_output(ctx, "/tmp/vm.log")
      krun_set_exec(ctx, "/bin/myapp", ["--flag","value"], ["HOME=/root","LANG=en_US.UTF-8"])
      krun_set_workdir(ctx, "/app")
      krun_start_enter(ctx)"
    `);
  });

  it('of a network through sockets of the host is one call of vsock', () => {
    const tsi = small.vsock((v) => v.tsi({ ports: [{ host: 8080, guest: 80 }] }).port(1024, '/run/a.sock'));
    expect(newest(tsi)).toMatchInlineSnapshot(`
      "krun_init_log(-1, 2, 2, 1)
      ctx = krun_create_ctx()
      krun_set_vm_config(ctx, 1, 512)
      krun_set_root(ctx, "/srv/rootfs")
      krun_set_port_map(ctx, ["8080:80"])
      krun_add_vsock_port2(ctx, 1024, "/run/a.sock", false)
      krun_start_enter(ctx)"
    `);
    const both = small.vsock((v) => v.tsi({ hijack: ['inet', 'unix'] }).port(5000, '/run/g.sock', 'guest'));
    expect(newest(both)).toMatchInlineSnapshot(`
      "krun_init_log(-1, 2, 2, 1)
      ctx = krun_create_ctx()
      krun_set_vm_config(ctx, 1, 512)
      krun_set_root(ctx, "/srv/rootfs")
      krun_disable_implicit_vsock(ctx)
      krun_add_vsock(ctx, 3)
      krun_set_port_map(ctx, [])
      krun_add_vsock_port2(ctx, 5000, "/run/g.sock", true)
      krun_start_enter(ctx)"
    `);
    expect(newest(small.vsock((v) => v.port(1, '/run/a.sock')))).toMatchInlineSnapshot(`
      "krun_init_log(-1, 2, 2, 1)
      ctx = krun_create_ctx()
      krun_set_vm_config(ctx, 1, 512)
      krun_set_root(ctx, "/srv/rootfs")
      krun_disable_implicit_vsock(ctx)
      krun_add_vsock(ctx, 0)
      krun_add_vsock_port2(ctx, 1, "/run/a.sock", false)
      krun_start_enter(ctx)"
    `);
  });

  it('of consoles names open files, and keeps the process streams unless told otherwise', () => {
    const ports = small.console((c) =>
      c.port('agent', { input: 5, output: 6 }).portTty('tty', { descriptor: 'pty' }),
    );
    expect(newest(ports)).toMatchInlineSnapshot(`
      "krun_init_log(-1, 2, 2, 1)
      ctx = krun_create_ctx()
      krun_set_vm_config(ctx, 1, 512)
      krun_set_root(ctx, "/srv/rootfs")
      krun_disable_implicit_vsock(ctx)
      console0 = krun_add_virtio_console_multiport(ctx)
      krun_add_console_port_inout(ctx, console0, "agent", 5, 6)
      krun_add_console_port_tty(ctx, console0, "tty", <pty>)
      krun_start_enter(ctx)"
    `);
    expect(newest(ports.console((c) => c.disableImplicit()).serial((s) => s.output(7))))
      .toMatchInlineSnapshot(`
      "krun_init_log(-1, 2, 2, 1)
      ctx = krun_create_ctx()
      krun_set_vm_config(ctx, 1, 512)
      krun_set_root(ctx, "/srv/rootfs")
      krun_disable_implicit_vsock(ctx)
      krun_disable_implicit_console(ctx)
      console0 = krun_add_virtio_console_multiport(ctx)
      krun_add_console_port_inout(ctx, console0, "agent", 5, 6)
      krun_add_console_port_tty(ctx, console0, "tty", <pty>)
      krun_add_serial_console_default(ctx, -1, 7)
      krun_start_enter(ctx)"
    `);
  });

  it('of a kernel of its own, and of firmware', () => {
    const kernel = vm()
      .kernel((k) =>
        k.path('/boot/vmlinux', 'elf').initramfs('/boot/initrd').cmdline('console=ttyS0').cmdline('debug'),
      )
      .machine((m) => m.vcpus(32).memoryMiB(1024))
      .serial((s) => s.input(0).output(1));
    expect(newest(kernel)).toMatchInlineSnapshot(`
      "krun_init_log(-1, 2, 2, 1)
      ctx = krun_create_ctx()
      krun_set_vm_config(ctx, 32, 1024)
      krun_set_kernel(ctx, "/boot/vmlinux", 1, "/boot/initrd", "console=ttyS0 debug")
      krun_disable_implicit_vsock(ctx)
      krun_add_serial_console_default(ctx, 0, 1)
      krun_start_enter(ctx)"
    `);
    const firmware = vm()
      .kernel((k) => k.firmware('/fw/KRUN_EFI.fd'))
      .disk((d) => d.path('/p/os.img'))
      .machine((m) => m.smbiosOemStrings(['io.systemd.credential:a=b']));
    expect(newest(firmware)).toMatchInlineSnapshot(`
      "krun_init_log(-1, 2, 2, 1)
      ctx = krun_create_ctx()
      krun_set_vm_config(ctx, 1, 512)
      krun_set_smbios_oem_strings(ctx, ["io.systemd.credential:a=b"])
      krun_set_firmware(ctx, "/fw/KRUN_EFI.fd")
      krun_add_disk3(ctx, "disk0", "/p/os.img", 0, false, false, 2)
      krun_disable_implicit_vsock(ctx)
      krun_start_enter(ctx)"
    `);
  });

  it('of a root on a disk, an own init and files that only the guest has', () => {
    const disk = vm()
      .disk((d) => d.path('/p/os.img').format('raw'))
      .fs((fs) => fs.rootDevice('/dev/vda1', { fstype: 'ext4', options: 'noatime' }));
    expect(newest(disk)).toMatchInlineSnapshot(`
      "krun_init_log(-1, 2, 2, 1)
      ctx = krun_create_ctx()
      krun_set_vm_config(ctx, 1, 512)
      krun_add_disk3(ctx, "disk0", "/p/os.img", 0, false, false, 2)
      krun_set_root_disk_remount(ctx, "/dev/vda1", "ext4", "noatime")
      krun_disable_implicit_vsock(ctx)
      krun_start_enter(ctx)"
    `);
    const init = vm()
      .kernel((k) => k.init(new Uint8Array(12)).console('ttyS0'))
      .fs((fs) =>
        fs
          .root('/srv/rootfs')
          .readOnly()
          .directory('/app', 0o700)
          .file('/app//conf', 'a = 1\n', { mode: 0o600 })
          .file('once', new Uint8Array(3), { oneShot: true }),
      );
    expect(newest(init)).toMatchInlineSnapshot(`
      "krun_init_log(-1, 2, 2, 1)
      ctx = krun_create_ctx()
      krun_set_vm_config(ctx, 1, 512)
      krun_disable_implicit_init(ctx)
      krun_add_virtiofs3(ctx, "/dev/root", "/srv/rootfs", 0, true)
      krun_fs_add_overlay_file(ctx, "/dev/root", "init.krun", <12 bytes>, 12, 33261, false)
      krun_fs_add_overlay_dir(ctx, "/dev/root", "app", 16832)
      krun_fs_add_overlay_file(ctx, "/dev/root", "app/conf", <6 bytes>, 6, 33152, false)
      krun_fs_add_overlay_file(ctx, "/dev/root", "once", <3 bytes>, 3, 33188, true)
      krun_disable_implicit_vsock(ctx)
      krun_set_kernel_console(ctx, "ttyS0")
      krun_start_enter(ctx)"
    `);
  });

  it('of devices for people', () => {
    const machine = small
      .devices((d) => d.gpu({ flags: ['venus', 'no_virgl'], shmBytes: 2 ** 28 }).sound())
      .devices((d) =>
        d
          .display({ width: 1920, height: 1080, refreshRateHz: 60, dpi: 96 })
          .display({ width: 800, height: 600, edid: new Uint8Array(128).fill(255, 1, 7) })
          .input({ descriptor: 'keyboard' }),
      )
      .machine((m) => m.splitIrqchip().hostUid(1000).hostGid(1000).teeConfigFile('/p/tee.json'));
    expect(newest(machine)).toMatchInlineSnapshot(`
      "krun_init_log(-1, 2, 2, 1)
      ctx = krun_create_ctx()
      krun_set_vm_config(ctx, 1, 512)
      krun_split_irqchip(ctx, true)
      krun_set_tee_config_file(ctx, "/p/tee.json")
      krun_setgid(ctx, 1000)
      krun_setuid(ctx, 1000)
      krun_set_root(ctx, "/srv/rootfs")
      krun_disable_implicit_vsock(ctx)
      krun_set_gpu_options2(ctx, 192, 268435456)
      display0 = krun_add_display(ctx, 1920, 1080)
      krun_display_set_refresh_rate(ctx, display0, 60)
      krun_display_set_dpi(ctx, display0, 96)
      display1 = krun_add_display(ctx, 800, 600)
      krun_display_set_edid(ctx, display1, <128 bytes>, 128)
      krun_add_input_device_fd(ctx, <keyboard>)
      krun_set_snd_device(ctx, true)
      krun_start_enter(ctx)"
    `);
  });
});

describe('an automatic MAC address', () => {
  const macs = (builder: VmBuilder): readonly string[] =>
    builder.build().vm.network.interfaces.map(({ mac }) => mac);
  const two = (name: string): VmBuilder =>
    vm(name)
      .fs((fs) => fs.root('/srv/rootfs'))
      .net((n) => n.unixstream(3))
      .net((n) => n.unixstream(4));

  it('stays the same, and is unicast and locally administered', () => {
    expect(macs(two('web'))).toEqual(macs(two('web')));
    for (const mac of macs(two('web'))) expect(mac).toMatch(/^[0-9a-f][26ae](:[0-9a-f]{2}){5}$/);
  });

  it('differs between the interfaces of a machine, and between machines', () => {
    const all = [...macs(two('web')), ...macs(two('db'))];
    expect(new Set(all).size).toBe(4);
  });
});

describe('a builder', () => {
  it('is a value: going on from it twice leaves it as it was', () => {
    const base = small.machine((m) => m.vcpus(2));
    const first = base.disk((d) => d.path('/p/a.img'));
    const second = base.machine((m) => m.memoryMiB(1024));
    expect(base.build().vm).toMatchObject({ vcpus: 2, memoryMiB: 512, disks: [] });
    expect(first.build().vm.disks).toHaveLength(1);
    expect(second.build().vm).toMatchObject({ vcpus: 2, memoryMiB: 1024, disks: [] });
  });
});

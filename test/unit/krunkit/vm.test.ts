import { describe, expect, it } from 'vitest';
import type { KrunkitBoot } from '../../../src/krunkit/boot.ts';
import { inspection } from '../../../src/krunkit/inspect.ts';
import { notesOn } from '../../../src/krunkit/notes.ts';
import type { KrunkitOptions } from '../../../src/krunkit/options.ts';
import { parseKrunkit } from '../../../src/krunkit/parse.ts';
import { krunkitVm, type KrunkitHost } from '../../../src/krunkit/vm.ts';
import { formatCall } from '../../../src/vm/calls.ts';
import { compile } from '../../../src/vm/compile.ts';
import { LIBKRUN_FUNCTIONS, type LibkrunFunction } from '../../../src/vm/functions.ts';

const GIB = 1024 ** 3;
const EVERYTHING = Object.keys(LIBKRUN_FUNCTIONS) as readonly LibkrunFunction[];

const MAC_BOOT: KrunkitBoot = { kind: 'firmware', path: '/opt/homebrew/share/krunkit/KRUN_EFI.silent.fd' };
const ROOT_DISK: KrunkitBoot = { kind: 'root-disk', device: '/dev/vda3', fstype: 'xfs' };

interface TestHost extends KrunkitHost {
  readonly arch: string;
}

const MAC: TestHost = {
  os: 'darwin',
  arch: 'arm64',
  boot: MAC_BOOT,
  memoryBytes: 32 * GIB,
  canNest: true,
  timesyncSocket: '/run/t',
};
const LINUX: TestHost = { ...MAC, os: 'linux', arch: 'x64', boot: ROOT_DISK, canNest: false };

function parse(words: readonly string[]): KrunkitOptions {
  const result = parseKrunkit(words);
  if (!result.ok || result.value.kind !== 'machine') throw new Error(JSON.stringify(result));
  return result.value.options;
}

function calls(
  words: readonly string[],
  host: TestHost,
  functions: readonly LibkrunFunction[] = EVERYTHING,
): readonly string[] {
  const capabilities = { functions: new Set(functions), arch: host.arch, os: host.os };
  const result = compile(krunkitVm(parse(words), host), capabilities);
  return result.ok ? result.value.map(formatCall) : result.error.map(({ message }) => message);
}

/** The command line that podman gives krunkit, with more of everything. */
const FULL = `
  --cpus 4 --memory 2048 --bootloader efi,variable-store=/v,create
  --device virtio-blk,path=/images/root.raw,format=raw --device virtio-rng
  --device virtio-blk,path=/other/root.raw,format=qcow2 --device virtio-vsock,port=1025,socketURL=/s/ready,listen
  --device virtio-vsock,port=1026,socketURL=/s/in,connect --device virtio-serial,logFilePath=/s/log
  --device virtio-net,unixSocketPath=/s/gvproxy,mac=5A:94:EF:E4:0C:EE
  --device virtio-net,type=unixgram,fd=7,mac=5a:94:ef:e4:0c:01,vfkitMagic=on
  --device virtio-net,type=unixstream,path=/s/passt,mac=5a:94:ef:e4:0c:02,offloading=on
  --device virtio-net,type=unixstream,fd=8,mac=5a:94:ef:e4:0c:03
  --device virtio-fs,sharedDir=/Users,mountTag=users --device virtio-fs,sharedDir=/private,mountTag=private,permissionSemantics=complete
  --device virtio-gpu,width=800,height=600 --device virtio-input,keyboard
  --gui --oem-string io.systemd.credential:a=b --nested --timesync vsockPort=1234
  --krun-log-level 5 --log-file /s/krun.log
`
  .trim()
  .split(/\s+/);

describe('a machine of krunkit', () => {
  it('has on macOS what krunkit tells libkrun', () => {
    expect(calls(FULL, MAC)).toEqual([
      'krun_init_log(<log>, 5, 0, 1)',
      'ctx = krun_create_ctx()',
      'krun_set_vm_config(ctx, 4, 2048)',
      'krun_set_nested_virt(ctx, true)',
      'krun_set_smbios_oem_strings(ctx, ["io.systemd.credential:a=b"])',
      'krun_set_firmware(ctx, "/opt/homebrew/share/krunkit/KRUN_EFI.silent.fd")',
      'krun_add_disk3(ctx, "root.raw", "/images/root.raw", 0, false, false, 1)',
      'krun_add_disk3(ctx, "root.raw-2", "/other/root.raw", 1, false, false, 1)',
      'krun_add_virtiofs4(ctx, "users", "/Users", 0, false, 1)',
      'krun_add_virtiofs4(ctx, "private", "/private", 0, false, 0)',
      'krun_disable_implicit_vsock(ctx)',
      'krun_add_vsock(ctx, 0)',
      'krun_add_vsock_port2(ctx, 1025, "/s/ready", false)',
      'krun_add_vsock_port2(ctx, 1026, "/s/in", true)',
      'krun_add_vsock_port2(ctx, 1234, "/run/t", true)',
      'krun_add_net_unixgram(ctx, "/s/gvproxy", -1, "5a:94:ef:e4:0c:ee", 19587, 1)',
      'krun_add_net_unixgram(ctx, null, 7, "5a:94:ef:e4:0c:01", 0, 1)',
      'krun_add_net_unixstream(ctx, null, <net2>, "5a:94:ef:e4:0c:02", 19587, 0)',
      'krun_add_net_unixstream(ctx, null, 8, "5a:94:ef:e4:0c:03", 0, 0)',
      'krun_set_console_output(ctx, "/s/log")',
      `krun_set_gpu_options2(ctx, 192, ${32 * GIB})`,
      'shutdown = krun_get_shutdown_eventfd(ctx)',
      'krun_start_enter(ctx)',
    ]);
  });

  it('has as much memory for its GPU as there are addresses left', () => {
    const words = ['-c1', '-m', '40G'];
    expect(calls(words, { ...MAC, memoryBytes: 64 * GIB })).toContain(
      `krun_set_gpu_options2(ctx, 192, ${(63_488 - 41 * 1024) * 1024 ** 2})`,
    );
  });

  it('logs to standard error at level info, which RUST_LOG may change, unless told otherwise', () => {
    expect(calls(['-c1', '-m1G'], MAC)[0]).toBe('krun_init_log(-1, 3, 0, 0)');
    expect(calls(['-c1', '-m1G', '--krun-log-level', '0'], MAC)[0]).toBe('krun_init_log(-1, 0, 0, 1)');
  });

  it("boots the root of its first disk with the bundled kernel and the disk's init where there is no firmware", () => {
    const words = ['-c1', '-m1G', '--device', 'virtio-blk,path=/d.raw', '--oem-string', 'x', '--nested'];
    const expected = calls(words, LINUX);
    expect(
      expected.map((call) => call.replace(/(krun_set_exec\(ctx, "\/bin\/sh", \["-c",)".*?"\]/, '$1…]')),
    ).toEqual([
      'krun_init_log(-1, 3, 0, 0)',
      'ctx = krun_create_ctx()',
      'krun_set_vm_config(ctx, 1, 1024)',
      'krun_add_disk3(ctx, "d.raw", "/d.raw", 0, false, false, 2)',
      'krun_set_root_disk_remount(ctx, "/dev/vda3", "xfs", null)',
      'krun_disable_implicit_vsock(ctx)',
      'krun_add_vsock(ctx, 0)',
      'console0 = krun_add_virtio_console_multiport(ctx)',
      'krun_add_console_port_inout(ctx, console0, "krun.stop", <stop>, -1)',
      'krun_set_exec(ctx, "/bin/sh", ["-c",…], ["KRUN_INIT_PID1=1","PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"])',
      'krun_start_enter(ctx)',
    ]);
  });

  it('starts in its guest with words that pass the kernel command line', () => {
    const exec = krunkitVm(parse(['-c1', '-m1G', '--device', 'virtio-blk,path=/d']), LINUX).exec;
    const script = exec?.args[1] ?? '';
    // oxlint-disable-next-line no-control-regex -- what the kernel's parser takes
    expect(script).toMatch(/^[\u0020-\u007e]+$/);
    expect(script).not.toContain('"');
    expect(script.length).toBeLessThan(1000);
  });

  it('does without what an older libkrun lacks', () => {
    const old = EVERYTHING.filter((name) => !['krun_add_virtiofs3', 'krun_add_virtiofs4'].includes(name));
    const share = ['--device', 'virtio-fs,sharedDir=/d,mountTag=t'];
    expect(calls(['-c1', '-m1G', ...share], MAC, old)).toContain('krun_add_virtiofs(ctx, "t", "/d")');
  });

  it('has no more devices than the guest has interrupts', () => {
    const disks = Array.from({ length: 6 }, (_, index) => ['--device', `virtio-blk,path=/d${index}`]).flat();
    expect(calls(['-c1', '-m1G', ...disks], LINUX)).toEqual([
      expect.stringMatching(/^the machine has 12 devices; .*disk x 6/),
    ]);
    expect(calls(['-c1', '-m1G', ...disks], MAC)).toContain('krun_start_enter(ctx)');
  });
});

describe('what a user is told', () => {
  const notes = (words: readonly string[], host: TestHost, functions = EVERYTHING): readonly string[] =>
    notesOn(parse(words), host, new Set(functions));

  it('is nothing where everything is as in krunkit', () => {
    expect(notes(['-c1', '-m1G', '--nested', '--oem-string', 'x'], MAC)).toEqual([]);
  });

  it('is what boots instead, and what is ignored', () => {
    const words = `
  -c20 -m1G -n -f /f --oem-string x --gui --bootloader efi --device virtio-blk,path=/d
  --device virtio-gpu,width=1,height=1 --device virtio-fs,sharedDir=/d,mountTag=t,permissionSemantics=complete
  --restful-uri tcp://0.0.0.0:80
`
      .trim()
      .split(/\s+/);
    const old = EVERYTHING.filter((name) => name !== 'krun_add_virtiofs4');
    expect(notes(words, { ...LINUX, boot: { ...ROOT_DISK, fstype: 'btrfs' } }, old)).toEqual([
      'libkrun boots no EFI firmware on linux x64: the kernel of libkrunfw runs the init of /dev/vda3 (btrfs) of /d; the boot loader and kernel on the disk are not used',
      'the default subvolume of /dev/vda3 is taken for the root',
      '--firmware-path is ignored',
      '--oem-string is ignored: only firmware passes it on',
      'the kernel of libkrunfw uses 16 of the 20 CPUs',
      '--nested is ignored: this host cannot nest virtual machines',
      '--bootloader, --gui, virtio-gpu: accepted as krunkit does, and without effect',
      'permissionSemantics is ignored: it needs libkrun 1.19.3 or newer',
      'whoever reaches 0.0.0.0:80 can stop this machine: the REST service asks for no password',
    ]);
  });
});

describe('the inspection', () => {
  it("has vfkit's names", () => {
    expect(inspection(parse(FULL), MAC_BOOT)).toEqual({
      vcpus: 4,
      memoryBytes: 2 * GIB,
      bootloader: { kind: 'efiBootloader', efiVariableStorePath: '/v', createVariableStore: true },
      devices: [
        {
          kind: 'virtioblk',
          devName: 'virtio-blk',
          imagePath: '/images/root.raw',
          type: 'image',
          format: 'raw',
          readOnly: false,
        },
        { kind: 'virtiorng' },
        {
          kind: 'virtioblk',
          devName: 'virtio-blk',
          imagePath: '/other/root.raw',
          type: 'image',
          format: 'qcow2',
          readOnly: false,
        },
        { kind: 'virtiosock', port: 1025, socketURL: '/s/ready', listen: true },
        { kind: 'virtiosock', port: 1026, socketURL: '/s/in' },
        { kind: 'virtioserial', logFile: '/s/log' },
        {
          kind: 'virtionet',
          nat: false,
          macAddress: '5a:94:ef:e4:0c:ee',
          offloading: true,
          unixSocketPath: '/s/gvproxy',
          vfkitMagic: true,
        },
        {
          kind: 'virtionet',
          nat: false,
          macAddress: '5a:94:ef:e4:0c:01',
          offloading: false,
          fd: 7,
          vfkitMagic: true,
        },
        {
          kind: 'virtionet',
          nat: false,
          macAddress: '5a:94:ef:e4:0c:02',
          offloading: true,
          unixSocketPath: '/s/passt',
        },
        { kind: 'virtionet', nat: false, macAddress: '5a:94:ef:e4:0c:03', offloading: false, fd: 8 },
        { kind: 'virtiofs', mountTag: 'users', sharedDir: '/Users', readOnly: false },
        { kind: 'virtiofs', mountTag: 'private', sharedDir: '/private', readOnly: false },
        { kind: 'virtiogpu', usesGUI: false, width: 800, height: 600 },
        { kind: 'virtioinput', inputType: 'keyboard' },
      ],
      timesync: { vsockPort: 1234 },
      nested: true,
      krun: { boot: MAC_BOOT },
    });
  });
});

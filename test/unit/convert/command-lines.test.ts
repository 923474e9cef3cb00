import path from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Diagnostic } from '../../../src/base/diagnostic.ts';
import type { Result } from '../../../src/base/result.ts';
import { convertKrunkit } from '../../../src/convert/krunkit.ts';
import { noteLines, type Conversion } from '../../../src/convert/note.ts';
import { convertVfkit } from '../../../src/convert/vfkit.ts';
import { projectOf } from './support.ts';

const FIXTURES = path.join(import.meta.dirname, 'fixtures');

/** A command line as one reads it: words have no blanks, but between single quotes. */
function words(text: string): readonly string[] {
  return [...text.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}

function made(result: Result<Conversion, readonly Diagnostic[]>): Conversion {
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

const KRUNKIT: Readonly<Record<string, string>> = {
  smallest: '--cpus 2 --memory 2048',
  everything:
    '--cpus 4 --memory 4G --nested --krun-log-level 4 --log-file /l --pidfile /run/p --firmware-path /fw/EFI.fd ' +
    '--restful-uri unix:///run/r.sock --bootloader efi,variable-store=/v,create --gui --timesync vsockPort=1234 ' +
    "--oem-string 'io.systemd.credential:a=b' " +
    '--device virtio-blk,path=disk.img,format=raw --device virtio-blk,path=/images/data.qcow2,format=qcow2 ' +
    '--device virtio-net,unixSocketPath=/run/net.sock,mac=52:54:00:00:00:01 ' +
    '--device virtio-net,type=unixstream,path=/run/passt.sock,mac=52:54:00:00:00:02,offloading=on ' +
    '--device virtio-net,type=unixgram,fd=7,mac=52:54:00:00:00:03 ' +
    '--device virtio-vsock,port=1024,socketURL=/run/a.sock,listen --device virtio-vsock,port=1025,socketURL=/run/b.sock,connect ' +
    '--device virtio-fs,sharedDir=/shared,mountTag=s,permissionSemantics=complete ' +
    '--device virtio-serial,logFilePath=/l.log --device virtio-rng --device virtio-gpu,width=800,height=600 ' +
    '--device virtio-input,keyboard',
};

const VFKIT: Readonly<Record<string, string>> = {
  smallest: '--bootloader efi,variable-store=/v,create',
  linux:
    '-c 2 -m 2048 --kernel /boot/vmlinux --initrd /boot/initrd --kernel-cmdline \'"console=hvc0 a=$b"\' ' +
    '--device virtio-blk,path=/images/disk.raw',
  everything:
    '--cpus 4 --memory 4096 --nested --log-level debug --pidfile /run/p --restful-uri tcp://localhost:8081 --gui ' +
    '--ignition /i --cloud-init /user-data,/meta-data --timesync vsockPort=1234 ' +
    '--bootloader \'linux,kernel=/boot/vmlinux,initrd=/boot/initrd,cmdline="console=hvc0 root=/dev/vda1, rw"\' ' +
    '--device virtio-blk,path=disk.img,deviceId=d --device nvme,path=/images/disk.raw ' +
    '--device usb-mass-storage,path=/images/data.qcow2,readonly ' +
    '--device virtio-net,nat,mac=52:54:00:00:00:01 --device virtio-net,fd=3 --device virtio-net,unixSocketPath=/run/n.sock ' +
    '--device virtio-vsock,port=5,socketURL=/run/a.sock --device virtio-vsock,port=6,socketURL=/run/b.sock,connect ' +
    '--device virtio-fs,sharedDir=/shared,mountTag=s --device rosetta,mountTag=r --device virtio-rng ' +
    '--device virtio-balloon --device virtio-serial,logFilePath=/l.log --device virtio-serial,stdio ' +
    '--device virtio-gpu,width=1920,height=1080 --device virtio-input,pointing --device nbd,uri=nbd://x/y',
};

async function golden(name: string, conversion: Conversion): Promise<void> {
  const text = `${conversion.yaml}\n--- notes\n${noteLines(conversion.notes).join('\n')}\n`;
  await expect(text).toMatchFileSnapshot(path.join(FIXTURES, `${name}.krun.txt`));
}

describe('the command line of krunkit', () => {
  test.each(Object.keys(KRUNKIT))('%s becomes a krun.yaml that loads', async (name) => {
    const conversion = made(convertKrunkit(words(KRUNKIT[name] ?? ''), 'arm64'));
    await golden(`krunkit-${name}`, conversion);
    const { machines } = await projectOf(conversion.yaml, { hostArch: 'arm64' });
    expect(machines['vm']?.cpus).toBe(name === 'smallest' ? 2 : 4);
  });

  test('on x86_64 tells that nothing boots like that there', () => {
    const { notes } = made(convertKrunkit(['--cpus', '1', '--memory', '1G'], 'x64'));
    expect(notes[0]?.text).toContain('libkrun has EFI firmware for arm64 only');
  });

  test('is refused with all of its mistakes', () => {
    const result = convertKrunkit(['--cpus', 'x', '--device', 'virtio-foo'], 'arm64');
    expect(result.ok ? [] : result.error.map(({ message }) => message)).toHaveLength(3);
  });

  test('that describes no machine is refused', () => {
    expect(convertKrunkit(['--help'], 'arm64').ok).toBe(false);
  });
});

describe('the command line of vfkit', () => {
  test.each(Object.keys(VFKIT))('%s becomes a krun.yaml that loads', async (name) => {
    const conversion = made(convertVfkit(words(VFKIT[name] ?? ''), 'arm64'));
    await golden(`vfkit-${name}`, conversion);
    const { machines } = await projectOf(conversion.yaml, { hostArch: 'arm64' });
    expect(machines['vm']?.memoryMiB).toBe({ smallest: 512, linux: 2048, everything: 4096 }[name]);
  });

  test('keeps commas and variables of the kernel command line', async () => {
    const { yaml } = made(
      convertVfkit(['--bootloader', 'linux,kernel=/boot/vmlinux,cmdline="a=1,2 b=${X}"'], 'arm64'),
    );
    const { machines } = await projectOf(yaml, { hostArch: 'arm64' });
    expect(machines['vm']?.boot).toMatchObject({ kind: 'kernel', cmdline: 'a=1,2 b=${X}' });
  });

  test.each([
    ['an unknown option', ['--bootloader', 'efi', '--what'], /Unknown option '--what'/],
    ['no boot loader', ['--cpus', '2'], /there is no boot loader/],
    ['two boot loaders', ['--kernel', '/k', '--bootloader', 'efi'], /exclude each other/],
    ['a boot loader for macOS', ['--bootloader', 'macos,auxImagePath=/a'], /cannot be converted/],
    ['a kernel boot without kernel', ['--bootloader', 'linux,initrd=/i'], /names no kernel/],
    ['no number', ['--bootloader', 'efi', '--cpus', 'two'], /must be a number from 1, not `two`/],
    ['an unknown device', ['--bootloader', 'efi', '--device', 'virtio-foo'], /is no device of vfkit/],
    [
      'a vsock port that is none',
      ['--bootloader', 'efi', '--device', 'virtio-vsock,port=ssh,socketURL=/s'],
      /has a `port` that is no number from 1 to 4294967294/,
    ],
    ['a disk without path', ['--bootloader', 'efi', '--device', 'virtio-blk'], /has no `path`/],
  ])('with %s is refused', (_name, argv, expected) => {
    const result = convertVfkit(argv, 'arm64');
    expect(result.ok ? '' : result.error.map(({ message }) => message).join('\n')).toMatch(expected);
  });
});

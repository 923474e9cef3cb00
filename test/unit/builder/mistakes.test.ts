import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { BuilderError, vm, type VmBuilder } from '../../../src/builder/index.ts';
import { without } from '../machine/specs.ts';

function thrownBy(action: () => unknown): BuilderError {
  try {
    action();
  } catch (error) {
    if (error instanceof BuilderError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

function mistakes(builder: VmBuilder): string {
  return thrownBy(() => builder.build()).message;
}

const small = vm().fs((fs) => fs.root('/srv/rootfs'));

describe('mistakes', () => {
  it('are collected over the whole program and thrown once', () => {
    const program = vm()
      .machine((m) => m.vcpus(0).memoryMiB(1.5))
      .disk((d) => d.path('/p/a.img').path('/p/b.img'))
      .net((n) => n.mac('01:00:5e:00:00:01'))
      .exec((e) => e.args(['x']).env('A=B', 'c').rlimit('nofile', 4, 2));
    const error = thrownBy(() => program.build());
    expect(error.message).toMatchInlineSnapshot(`
      "machine.vcpus: 0 is not a whole number from 1 to 255
      machine.memoryMiB: 1.5 is not a whole number from 1 to 4294967295
      disk: it has two images; call disk() once for each
      net.mac: "01:00:5e:00:00:01" is not a unicast MAC address
      exec.env: 'A=B' has a '='
      exec.rlimit: nofile: 4 is above the hard limit 2
      fs: the guest has no root file system; name one with root() or rootDevice()
      net: it has no backend; name one: unixstreamPath(), unixgramPath(), tap(), …
      exec: it has no path()"
    `);
    expect(error.diagnostics).toHaveLength(error.message.split('\n').length);
    expect(error.name).toBe('BuilderError');
  });

  it.each<[string, VmBuilder]>([
    ['too many CPUs for the bundled kernel', small.machine((m) => m.vcpus(17))],
    ['too little memory for it', small.machine((m) => m.memoryMiB(32))],
    ['no root', vm()],
    ['two roots', small.fs((fs) => fs.root('/other'))],
    ['a file system without a source', small.fs((fs) => fs.tag('data'))],
    ['a root on a disk that is not there', vm().fs((fs) => fs.rootDevice('/dev/vda'))],
    [
      'what only directories of the host have',
      vm()
        .disk((d) => d.path('/d'))
        .fs((fs) => fs.rootDevice('/dev/vda').readOnly().daxBytes(4096).semantics('complete')),
    ],
    ['a file in a directory of the host', vm().fs((fs) => fs.root('/r').file('/etc/app/id', 'x'))],
    ['two shares of one tag', small.fs((fs) => fs.tag('a').path('/1')).fs((fs) => fs.tag('a').path('/2'))],
    ['two disks of one id', small.disk((d) => d.id('a').path('/1')).disk((d) => d.id('a').path('/2'))],
    ['a disk without an image', small.disk((d) => d.readOnly())],
    ['an interface without a backend', small.net((n) => n.dhcp())],
    ['TSI and interfaces', small.vsock((v) => v.tsi()).net((n) => n.tap('tap0'))],
    [
      'ports that clash',
      small.vsock((v) =>
        v.tsi({
          ports: [
            { host: 1, guest: 2 },
            { host: 1, guest: 2 },
          ],
        }),
      ),
    ],
    ['ports that are none', small.vsock((v) => v.tsi({ ports: [{ host: 0, guest: 65_536 }] }))],
    [
      'backends with a long path',
      small
        .net((n) => n.unixgramPath(`/run/${'x'.repeat(93)}`))
        .net((n) => n.unixstreamPath(`/run/${'x'.repeat(99)}`)),
    ],
    ['a log on file 0', small.log((l) => l.target(0))],
    ['a socket with a long path', small.vsock((v) => v.port(1, `/run/${'x'.repeat(100)}`))],
    [
      'a console file without the console that prints to it',
      small.console((c) => c.output('/l').disableImplicit()),
    ],
    ['one file for both directions', small.console((c) => c.port('a', { input: 5, output: 5 }))],
    [
      'one named file for both directions',
      small.console((c) => c.port('a', { input: { descriptor: 'x' }, output: { descriptor: 'x' } })),
    ],
    ['a terminal on file 0', small.console((c) => c.portTty('t', 0))],
    ['a kernel and firmware', small.kernel((k) => k.path('/k', 'elf').firmware('/f'))],
    [
      'a command under firmware',
      vm()
        .kernel((k) => k.firmware('/f'))
        .exec((e) => e.path('/bin/sh')),
    ],
    ['an init for another kernel', small.kernel((k) => k.path('/k', 'elf').init(new Uint8Array(1)))],
    ['a path with a NUL', small.exec((e) => e.path('/bin/a\0b'))],
    [
      'words that the kernel command line changes',
      small.exec((e) => e.path('/bin/sh').args(['-c', 'a "b"', 'é'])),
    ],
    ['a limit that nobody knows', small.exec((e) => e.rlimit('nofile', -1, 5))],
    ['a function that returns nothing', small.machine((() => undefined) as never)],
    ['values of the wrong type', small.machine((m) => m.vcpus('4' as never)).disk((d) => d.path(5 as never))],
  ])('of %s are told', (name, builder) => {
    expect(mistakes(builder)).toMatchSnapshot(name);
  });
});

describe('what libkrun has no way for', () => {
  it.each<[string, VmBuilder]>([
    ['hyperthreading', small.machine((m) => m.hyperthreading(true))],
    ['a file system of the caller', small.fs((fs) => fs.tag('myfs').custom({}))],
    ['a network of the caller', small.net((n) => n.custom({}))],
    ["the bundled kernel's command line", small.kernel((k) => k.cmdline('debug'))],
    ["the bundled kernel's initramfs", small.kernel((k) => k.initramfs('/initrd'))],
  ])('is refused with the reason: %s', (name, builder) => {
    const error = thrownBy(() => builder.build());
    expect(error.diagnostics.map(({ code }) => code)).toEqual(['capability']);
    expect(error.message).toMatchSnapshot(name);
  });

  it('in an older library is told when the calls are made', () => {
    const built = small.fs((fs) => fs.tag('x').path('/x').readOnly()).build();
    const error = thrownBy(() => built.calls(without('krun_add_virtiofs3', 'krun_add_virtiofs4')));
    expect(error.message).toMatchInlineSnapshot(
      `"this libkrun cannot keep the guest from writing to /x; use libkrun 1.18 or newer, or share it writable"`,
    );
  });

  it.each([
    ['a share', small.fs((fs) => fs.tag('x').path('/x').semantics('complete'))],
    ['the root', vm().fs((fs) => fs.root('/x').semantics('simplified'))],
  ])('is told of who owns files of %s where the library has no say in it', (_, builder) => {
    expect(builder.build().formatCalls(without())).toMatch(/krun_add_virtiofs4.*"\/x", 0, false, [01]\)/);
    const error = thrownBy(() => builder.build().calls(without('krun_add_virtiofs4')));
    expect(error.diagnostics.map(({ code }) => code)).toEqual(['capability']);
    expect(error.message).toBe(
      'this libkrun has no krun_add_virtiofs4; use libkrun 1.19.3 or newer; `krun doctor` shows which one is used',
    );
  });

  it('in number of devices is told with the list of who uses what', () => {
    let many = small;
    for (let index = 0; index < 8; index++) many = many.disk((d) => d.path(`/p/${index}.img`));
    expect(thrownBy(() => many.build().calls(without())).message).toMatchInlineSnapshot(
      `"the machine has 12 devices; libkrun has room for 11 on this processor: balloon, rng, console, root file system, disk x 8; put several directories below one share, or several file systems on one disk"`,
    );
  });
});

describe('a program of the root as init', () => {
  const root = mkdtempSync(path.join(os.tmpdir(), 'krun-builder-'));
  afterAll(() => rmSync(root, { recursive: true }));
  mkdirSync(path.join(root, 'sbin'));
  writeFileSync(path.join(root, 'agent'), 'agent!');
  symlinkSync('/agent', path.join(root, 'sbin/init'));

  it('is read through the links of the guest', () => {
    const built = vm()
      .fs((fs) => fs.root(root))
      .kernel((k) => k.initPath('/sbin/init'))
      .build();
    expect(built.formatCalls(without())).toContain('"/dev/root", "init.krun", <6 bytes>, 6, 33261, false)');
  });

  it('that is not there is a mistake', () => {
    const lost = vm()
      .fs((fs) => fs.root(root))
      .kernel((k) => k.initPath('/sbin/nothing'));
    expect(mistakes(lost)).toBe(`kernel.initPath: ${root} has no file /sbin/nothing`);
    const below = vm()
      .fs((fs) => fs.root(root))
      .kernel((k) => k.initPath('/agent/init'));
    expect(mistakes(below)).toBe(`kernel.initPath: ${root} has no file /agent/init`);
  });
});
